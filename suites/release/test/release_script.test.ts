import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { Repository, ROOT } from './repository.ts'

const CHANGESET = "---\n'@bt/net': patch\n---\n\nSomething is better.\n"

let repository: Repository

/** A repository that could be released, as far as can be seen without building anything. */
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'release-script-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  repository = new Repository(join(folder, 'repository'))
  for (const file of ['scripts/release.mjs', '.changeset/config.json'])
    cpSync(join(ROOT, file), join(repository.folder, file))
  mkdirSync(join(repository.folder, 'packages/net'), { recursive: true })
  write('packages/net/package.json', JSON.stringify({ name: '@bt/net', version: '1.2.3' }))
  write('.changeset/better.md', CHANGESET)
  repository.commit('Make something better')
  repository.follow(join(folder, 'origin.git'))
})

function write(file: string, text: string): void {
  writeFileSync(join(repository.folder, file), text)
}

/** What `pnpm release` says where it does nothing, and that it has done nothing. */
function refusal(...args: string[]): string {
  const before = [repository.git('rev-parse', 'HEAD'), repository.git('status', '--porcelain')]
  const script = join(repository.folder, 'scripts/release.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect([repository.git('rev-parse', 'HEAD'), repository.git('status', '--porcelain')]).toEqual(before)
  return stderr
}

it('names an option that it does not know, and tells those that it does', () => {
  expect(refusal('--dry')).toMatch(/^release: Unknown option '--dry'.*pnpm release \[--dry-run\]/s)
  expect(refusal('1.0.0')).toMatch(/^release: Unexpected argument '1\.0\.0'.*pnpm release \[--dry-run\]/s)
})

it.each([[[]], [['--dry-run']], [['--resume']]])(
  'refuses another branch than main, with the arguments %j',
  args => {
    repository.git('switch', '--quiet', '--create', 'a_feature')
    expect(refusal(...args)).toBe(
      'release: the branch is "a_feature", and releases are made from "main": git switch main\n',
    )
  },
)

it('refuses a commit that is on no branch', () => {
  repository.git('switch', '--quiet', '--detach')
  expect(refusal()).toMatch(/^release: no branch is checked out, .* "main": git switch main$/m)
})

it('refuses what is not committed, and names it', () => {
  write('packages/net/package.json', '{}')
  write('notes', '')
  expect(refusal()).toMatch(/commit it, or git stash -u\nM packages\/net\/package\.json\n\?\? notes\n$/)
})

it('refuses to release without what others have pushed', () => {
  write('notes', '')
  repository.commit('Take a note')
  repository.git('push', '--quiet')
  repository.git('reset', '--quiet', '--hard', 'HEAD~1')
  expect(refusal()).toBe(
    'release: "main" lacks 1 commit that origin/main has: git pull --rebase, and look at what that brings\n',
  )
})

it('refuses to release nothing', () => {
  rmSync(join(repository.folder, '.changeset/better.md'))
  repository.commit('Change nothing for users')
  expect(refusal()).toMatch(/^release: there is no changeset in \.changeset.*`pnpm changeset`.*--resume$/m)
})

it('refuses to resume where the last commit is no release', () => {
  expect(refusal('--resume')).toMatch(
    /^release: the last commit is "Make something better", and not "Release 1\.2\.3".*`pnpm changeset`/m,
  )
})
