// Loaded into a process with --import: SIGUSR2 moves its clock by CHAOS_CLOCK_SHIFT_MS.
const RealDate = Date;
let shiftMs = 0;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + shiftMs] : args, newTarget),
  get: (target, name, receiver) =>
    name === "now" ? () => RealDate.now() + shiftMs : Reflect.get(target, name, receiver),
});
process.on("SIGUSR2", () => {
  shiftMs += Number(process.env.CHAOS_CLOCK_SHIFT_MS ?? 0);
});
