import { statfsSync } from "node:fs";

/**
 * Types that `statfs` reports for file systems that other hosts may share, or that do not implement shared memory and locks
 * for certain. FUSE includes sshfs and object stores; a local FUSE file system is treated the same.
 */
const SHARED_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "SMB"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
  [0x00c36400, "CephFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x19830326, "BeeGFS"],
  [0x786f4256, "VirtualBox shared folder"],
]);

/** Returns the type of the file system of a folder, as `statfs` reports it. */
export type GetFileSystemType = (folder: string) => number;

const getSystemType: GetFileSystemType = (folder) => statfsSync(folder).type;

/** Returns the name of a folder's file system if it is a network file system; otherwise undefined. */
export function findNetworkFileSystem(folder: string, getType: GetFileSystemType = getSystemType): string | undefined {
  return SHARED_FILE_SYSTEMS.get(getType(folder) >>> 0);
}
