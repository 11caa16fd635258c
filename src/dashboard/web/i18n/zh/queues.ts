import type { queuesEn } from "../en/queues.ts";

export const queuesZh: typeof queuesEn = {
  queues: {
    title: "BullMQ 队列",
    openBoard: "打开 bull-board",
    boardReadOnly: "bull-board 显示作业，内容已遮蔽。查看者在那里不能更改任何东西。",
    board: "bull-board 显示作业，内容已遮蔽。",
    queue: "队列",
    type: "类型",
    waiting: "等待",
    active: "处理中",
    delayed: "延后",
  },
};
