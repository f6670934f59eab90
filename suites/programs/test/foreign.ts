import { fileURLToPath } from 'node:url'

/** Returns the path of a program in the folder `foreign`. */
export function foreign_path(file: string): string {
  return fileURLToPath(new URL(`../foreign/${file}`, import.meta.url))
}
