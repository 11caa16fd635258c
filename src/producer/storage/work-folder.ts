/** Folder inside a run's output folder for the files of an unfinished run. */
export const WORK_FOLDER = ".work";
