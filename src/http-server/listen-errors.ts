/** Errors at the start of a server, shown by the command line: what is wrong and how to fix it. */
export const LISTEN_ERRORS = {
  portInUse: (host: string, port: number, option: string) =>
    [
      `port ${port} on ${host} is in use`,
      `Choose another port with ${option}, or stop the process that uses it.`,
    ] as const,
  portNotPermitted: (port: number, option: string) =>
    [`no permission to listen on port ${port}`, `Choose a port of 1024 or above with ${option}.`] as const,
  unknownAddress: (host: string) =>
    [
      `${host} is not an address of this machine`,
      "Choose another address with --host, such as 127.0.0.1 or 0.0.0.0.",
    ] as const,
} as const;
