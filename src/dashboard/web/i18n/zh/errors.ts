import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import type { MaskedText } from "#src/dashboard/items/item-api.ts";
import type { RetryStatus } from "#src/dashboard/runs/retry-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import type { errorsEn } from "../en/errors.ts";

type StopCode = Exclude<NonNullable<NonNullable<RunPage["stopped"]>["code"]>, "reported">;
/** Every code of a server message that must have a translation. */
type ServerMessageCode =
  | RefusalReason
  | Exclude<NonNullable<RetryStatus["code"]>, "refused">
  | StopCode
  | `${StopCode}-hint`
  | `absent-${NonNullable<MaskedText["absentCode"]>}`;

export const errorsZh: typeof errorsEn = {
  errors: {
    "signed-out": "会话已结束。",
    "wrong-password": "密码错误。",
    "too-many-attempts": "登录尝试次数过多。",
    "not-allowed": "查看者只有只读权限。",
    "cross-site-request": "已拒绝跨站请求。",
    "unknown-run": "运行不存在。",
    "unknown-item": "条目不存在。",
    "unknown-cause": "失败原因不存在。",
    "unknown-lane": "通道不存在。",
    "unknown-chat": "对话不存在或已结束。",
    "unknown-route": "未知的 API 路径。",
    "wrong-state": "运行的当前状态不允许此操作。",
    "folder-on-other-host": "在这台机器上读不到运行文件夹。",
    "bad-request": "请求无效。",
    "redis-unavailable": "Redis 不可用。",
    "provider-failed": "服务商拒绝了调用。",
    internal: "服务器内部错误。",
    unreachable: "服务器没有响应。",
  },
  reasons: {
    "no-coordinator": "这个运行没有协调进程。请先恢复运行。",
    forgotten: "Redis 中已没有这个运行的数据。",
    "run-in-use": "有进程正在使用这个运行。请取消运行或停止该进程，等它结束后再试。",
    "already-running": "有进程正在处理这个运行；结束后可以重试失败的条目。",
    "nothing-to-pause": "运行的当前状态无法暂停。",
    "nothing-to-resume": "运行的当前状态无需恢复。",
    "nothing-to-cancel": "运行的当前状态无法取消。",
    "no-failed-items": "没有失败的条目。",
    "items-left": "运行尚未完成：重试也会处理其余没有结果的条目。",
    "retried-already": "本服务器已为这个运行启动了进程。",
    "command-unknown": "Redis 中没有启动这个运行的命令。请在其主机上再次运行该命令，即可从停下处继续。",
    "too-many-retries": "本服务器启动的进程过多，请等其中一个结束。",
    "folder-on-other-host": "运行文件夹在另一台机器上。",
    "folder-missing": "运行文件夹已不存在。",
    "output-missing": "运行的输出文件已不存在。",
    "work-folder-missing": "运行的工作文件夹已不存在，重试所需的内容也随之丢失。",
    "jobs-belong-to-runs": "作业属于运行，不能这样更改；请暂停、取消或重试运行。",
    "redis-unavailable": "没有丢失任何数据：Redis 恢复后，运行和本页都会自动继续。",
    "signed-out": "请重新登录。",
    "too-many-attempts": "请稍候再试。",
    "unknown-run": "它可能已被清除，或编号有误。",
    "unknown-item": "该运行没有这个编号的条目。",
    "unknown-cause": "这些条目可能已被重试。",
    "unknown-chat": "回答已被取走或已过期。",
    killed: "没有协调进程；上一个进程意外退出。",
    "killed-hint": "恢复运行，即可从停下处继续。",
    interrupted: "协调进程被中断。",
    "interrupted-hint": "没有丢失任何数据：再次运行同一条命令，即可从停下处继续。",
    parked: "它的所有通道都已挂起。",
    "parked-hint": "先排除通道挂起的原因，再运行同一条命令，即可从停下处继续。",
    budget: "已达到设定的费用上限。",
    "budget-hint": "没有丢失任何数据：提高或去掉 --max-cost 后再运行同一条命令，即可从停下处继续。",
    "absent-not-answered": "还没有响应。",
    "absent-failed": "条目失败，没有响应。",
    "absent-vector": "响应是一个向量，在运行的输出里。",
    "absent-not-kept": "这个运行的输出不含文本，条目文件也已不存在。",
    "database-missing":
      "这个运行没有失败的条目，也没有保留数据库，因此不能使用这个条件。启动时加上 --keep-db 可以保留数据库。",
    "run-ended": "运行已结束。",
    "all-succeeded": "重试的条目都已有结果。",
    "some-failed-again": "部分条目再次失败。",
    "nothing-to-retry": "没有可重试的条目。",
    "could-not-start": "无法启动进程。",
  } satisfies Record<ServerMessageCode, string> & Record<string, string>,
  kinds: {
    throttled: "被限流",
    quota: "额度不足",
    auth: "认证失败",
    "invalid-request": "请求无效",
    "too-long": "过长",
    "content-filter": "内容审查",
    overloaded: "服务过载",
    server: "服务端错误",
    timeout: "超时",
    network: "网络错误",
    "bad-response": "响应无效",
    aborted: "已中止",
    "crash-loop": "反复崩溃",
    cancelled: "已取消",
    expired: "已过期",
  },
};
