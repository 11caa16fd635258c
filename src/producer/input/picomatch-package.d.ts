/** The part of picomatch that this project uses; the package has no types. */
declare module "picomatch" {
  /** Creates a function that returns whether a path with "/" matches a glob pattern. */
  export default function picomatch(pattern: string): (path: string) => boolean;
}
