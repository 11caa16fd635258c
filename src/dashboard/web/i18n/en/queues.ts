/** Texts of the page of queues. */
export const queuesEn = {
  queues: {
    title: "BullMQ queues",
    openBoard: "Open bull-board",
    boardReadOnly: "bull-board shows the jobs with masked contents. Viewers cannot change anything there.",
    board: "bull-board shows the jobs with masked contents.",
    queue: "Queue",
    type: "Type",
    waiting: "Waiting",
    active: "Active",
    delayed: "Delayed",
  },
};
