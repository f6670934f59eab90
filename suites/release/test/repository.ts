import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GIT, path_of } from '@bt/test-support/programs'

/** The folder of this repository. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url))

/** Who commits in a repository of the tests. */
export const COMMITTER = {
  GIT_AUTHOR_NAME: 'rehearsal',
  GIT_AUTHOR_EMAIL: 'rehearsal@example.com',
  GIT_COMMITTER_NAME: 'rehearsal',
  GIT_COMMITTER_EMAIL: 'rehearsal@example.com',
}

/** A repository of its own, of a test, with nothing of its user's settings. */
export class Repository {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    if (existsSync(join(folder, '.git'))) return
    mkdirSync(folder, { recursive: true })
    this.git('init', '--quiet', '--initial-branch=main')
  }

  /** Runs git in it. */
  git(...args: string[]): string {
    const env = { PATH: process.env.PATH, HOME: this.folder, ...COMMITTER }
    return execFileSync(path_of(GIT), args, { cwd: this.folder, env, encoding: 'utf8' }).trim()
  }

  /** Commits all that there is. */
  commit(message: string): void {
    this.git('add', '--all')
    this.git('commit', '--quiet', '-m', message)
  }

  /** Pushes it to another one, which is made for it, and which it follows from then on. */
  follow(bare_folder: string): void {
    this.git('init', '--quiet', '--bare', '--initial-branch=main', bare_folder)
    this.git('remote', 'add', 'origin', bare_folder)
    this.git('push', '--quiet', '--set-upstream', 'origin', 'main')
  }
}

/** A copy of this repository as it lies here, committed or not, without what is installed in it. */
export function copy_of_this_repository(folder: string): Repository {
  const copy = new Repository(folder)
  const listed = execFileSync(
    path_of(GIT),
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  )
  for (const file of listed.split('\0')) {
    // Those that were deleted, and not committed yet, are listed.
    if (file === '' || !existsSync(join(ROOT, file))) continue
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  return copy
}

/** Installs in a copy of this repository what is installed in this one. */
export function install_in(folder: string): void {
  if (existsSync(join(folder, 'node_modules'))) return
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  // .gitignore leaves out folders of that name, and this is a link.
  appendFileSync(join(folder, '.git/info/exclude'), 'node_modules\n')
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const installed = join('packages', name, 'node_modules')
    // Links, which lead to the packages of the copy.
    cpSync(join(ROOT, installed), join(folder, installed), { recursive: true, verbatimSymlinks: true })
  }
}
