import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GIT, path_of } from '@bt/test-support/programs'

/** The root folder of this repository. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url))

/** The environment variables that name the author and committer in test repositories. */
export const COMMITTER = {
  GIT_AUTHOR_NAME: 'rehearsal',
  GIT_AUTHOR_EMAIL: 'rehearsal@example.com',
  GIT_COMMITTER_NAME: 'rehearsal',
  GIT_COMMITTER_EMAIL: 'rehearsal@example.com',
}

/** A git repository for a test, which ignores the git configuration of the user and the machine. */
export class Repository {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    if (existsSync(join(folder, '.git'))) return
    mkdirSync(folder, { recursive: true })
    this.git('init', '--quiet', '--initial-branch=main')
  }

  /** Runs a git command, and returns its output. */
  git(...args: string[]): string {
    const env = { PATH: process.env.PATH, HOME: this.folder, ...COMMITTER }
    return execFileSync(path_of(GIT), args, { cwd: this.folder, env, encoding: 'utf8' }).trim()
  }

  /** Commits all files. */
  commit(message: string): void {
    this.git('add', '--all')
    this.git('commit', '--quiet', '-m', message)
  }

  /** Creates a bare repository, pushes `main` to it, and makes it the upstream `origin`. */
  push_to_new_remote(bare_folder: string): void {
    this.git('init', '--quiet', '--bare', '--initial-branch=main', bare_folder)
    this.git('remote', 'add', 'origin', bare_folder)
    this.git('push', '--quiet', '--set-upstream', 'origin', 'main')
  }
}

/** Copies the working tree of this repository, with uncommitted changes but without ignored files. */
export function copy_repository(folder: string): Repository {
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
    // The list includes files that were deleted, if that is not committed yet.
    if (file === '' || !existsSync(join(ROOT, file))) continue
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  return copy
}

/** Makes the dependencies that are installed in this repository available in a copy of it. */
export function link_dependencies(folder: string): void {
  if (existsSync(join(folder, 'node_modules'))) return
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  // The pattern in .gitignore matches only folders of that name, and this is a link.
  appendFileSync(join(folder, '.git/info/exclude'), 'node_modules\n')
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const installed = join('packages', name, 'node_modules')
    // The links in it are relative, so in the copy they point to the packages of the copy.
    cpSync(join(ROOT, installed), join(folder, installed), { recursive: true, verbatimSymlinks: true })
  }
}
