import type { searchEn } from "../en/search.ts";

export const searchZh: typeof searchEn = {
  search: {
    title: "相似度搜索",
    run: "已完成的向量化运行",
    text: "搜索文本",
    resultCount: "结果数",
    searchRecords: "搜索",
    cost: "每次搜索需要一次调用。",
    operatorsOnly: "每次搜索需要一次调用，因此只有操作者可以搜索。",
    noRuns: "还没有已完成的向量化运行。可以这样开始：",
    nearestRecords: "最相近的结果",
    noHits: "输出中没有向量。",
    modelAndTime: (model, time) => `${model}，${time}`,
    score: "余弦相似度（1 为同向）",
    noText: "输出中没有文本。使用 --with-text 向量化即可在此看到。",
  },
};
