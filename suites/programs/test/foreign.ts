import { fileURLToPath } from 'node:url'

/** Where a program in another language is. */
export function foreign(file: string): string {
  return fileURLToPath(new URL(`../foreign/${file}`, import.meta.url))
}
