import type { evaluationsEn } from "../en/evaluations.ts";

export const evaluationsZh: typeof evaluationsEn = {
  evaluations: {
    none: "还没有评分完成的评测。",
    latest: "最新得分",
    latestNote: "每个得分附有置信区间，取自该模型最近一次包含该项的评测。",
    over: "得分走势",
    all: (count) => `${count} 次评测`,
    scores: "得分",
    notScoredYet: "全部回答到齐后才会评分。",
    about: "数据集、评分器",
    prompt: (name) => `提示词 ${name}`,
    name: "名称",
    models: "模型",
    model: "模型",
    samples: "样本",
    score: "得分",
    interval: "区间",
    items: "条目",
    unparseable: "无法解析",
    unanswered: "未回答",
    errors: "出错",
    cost: "费用",
    scoredAt: "评分时间",
    range: (low, high) => `${low} 至 ${high}`,
    withoutScore: (count, total) => `${total} 条中有 ${count} 条没有得分`,
  },
};
