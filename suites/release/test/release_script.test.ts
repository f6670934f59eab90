import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Repository, ROOT } from './repository.ts'

const CHANGESET = "---\n'@bt/net': patch\n---\n\nSomething is better.\n"

let repository: Repository

/** A repository that passes all checks before a release that need no build. */
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'release-script-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  repository = new Repository(join(folder, 'repository'))
  for (const file of ['scripts/release.mjs', '.changeset/config.json'])
    cpSync(join(ROOT, file), join(repository.folder, file))
  mkdirSync(join(repository.folder, 'packages/net'), { recursive: true })
  write('packages/net/package.json', JSON.stringify({ name: '@bt/net', version: '1.2.3' }))
  write('.changeset/better.md', CHANGESET)
  write('.gitignore', '/release/\n')
  repository.commit('Make something better')
  repository.push_to_new_remote(join(folder, 'origin.git'))
})

function write(file: string, text: string): void {
  writeFileSync(join(repository.folder, file), text)
}

/** Runs `pnpm release`, expects that it fails without changing anything, and returns its error message. */
function refusal(...args: string[]): string {
  const before = [repository.git('rev-parse', 'HEAD'), repository.git('status', '--porcelain')]
  const script = join(repository.folder, 'scripts/release.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect([repository.git('rev-parse', 'HEAD'), repository.git('status', '--porcelain')]).toEqual(before)
  return stderr
}

it('names an unknown option, and lists the known ones', () => {
  expect(refusal('--dry')).toMatch(/^release: Unknown option '--dry'.*pnpm release \[prepare/s)
  expect(refusal('1.0.0')).toMatch(/^release: Unexpected argument '1\.0\.0'.*pnpm release \[prepare/s)
  expect(refusal('push', 'tag')).toMatch(/^release: Unexpected argument 'tag'/)
})

it.each([[[]], [['--dry-run']], [['--resume']]])(
  'refuses to release from a branch other than main, with the arguments %j',
  args => {
    repository.git('switch', '--quiet', '--create', 'a_feature')
    expect(refusal(...args)).toBe(
      'release: the current branch is "a_feature", but releases are made from "main": git switch main\n',
    )
  },
)

it('refuses to release from a detached HEAD', () => {
  repository.git('switch', '--quiet', '--detach')
  expect(refusal()).toMatch(/^release: no branch is checked out, .* "main": git switch main$/m)
})

it('refuses to release uncommitted changes, and lists them', () => {
  write('packages/net/package.json', '{}')
  write('notes', '')
  expect(refusal()).toMatch(/commit them, or git stash -u\nM packages\/net\/package\.json\n\?\? notes\n$/)
})

it('refuses to release a branch that is behind origin', () => {
  write('notes', '')
  repository.commit('Take a note')
  repository.git('push', '--quiet')
  repository.git('reset', '--quiet', '--hard', 'HEAD~1')
  expect(refusal()).toBe(
    'release: "main" is 1 commit behind origin/main: git pull --rebase, and review what is new\n',
  )
})

it('refuses to release without a changeset', () => {
  rmSync(join(repository.folder, '.changeset/better.md'))
  repository.commit('Change nothing for users')
  expect(refusal()).toMatch(/^release: there is no changeset in \.changeset.*`pnpm changeset`.*--resume$/m)
})

it('refuses to resume if the last commit is not a release', () => {
  expect(refusal('--resume')).toMatch(
    /^release: the last commit is "Make something better" instead of "Release 1\.2\.3".*`pnpm changeset`/m,
  )
})

it.each(['push', 'publish', 'tag'])('refuses to %s an unprepared release', stage => {
  expect(refusal(stage)).toMatch(/^release: release\/release\.json is missing: run `pnpm release prepare`/)
})

describe('pnpm release push', () => {
  /** Creates the output of the first stage for a commit with that change, and resets the branch. */
  function prepare(change: () => void, subject = 'Release 1.2.4'): void {
    const parent = repository.git('rev-parse', 'HEAD')
    change()
    repository.commit(subject)
    const commit = repository.git('rev-parse', 'HEAD')
    const output = join(repository.folder, 'release')
    mkdirSync(output)
    repository.git('bundle', 'create', '--quiet', join(output, 'commit.bundle'), `${parent}..HEAD`)
    repository.git('reset', '--quiet', '--hard', parent)
    write('release/release.json', JSON.stringify({ version: '1.2.4', commit, packages: [] }))
  }

  function push(): string {
    const script = join(repository.folder, 'scripts/release.mjs')
    const { stderr } = spawnSync(process.execPath, [script, 'push'], { encoding: 'utf8' })
    return stderr
  }

  const set_version = (other_fields: object = {}): void => {
    rmSync(join(repository.folder, '.changeset/better.md'))
    write('packages/net/CHANGELOG.md', '## 1.2.4')
    write('packages/net/package.json', JSON.stringify({ name: '@bt/net', version: '1.2.4', ...other_fields }))
  }

  it('pushes a commit that changes versions, repositories and changelogs', () => {
    prepare(() => set_version({ repository: 'https://git.example.com' }))
    expect(push()).toBe('')
    expect(repository.git('log', '-1', '--format=%s', 'origin/main')).toBe('Release 1.2.4')
  })

  it.each<[string, () => void, string?]>([
    ['it changes more in packages/net/package.json', () => set_version({ scripts: { install: 'x' } })],
    ['it changes scripts/release.mjs', () => write('scripts/release.mjs', '')],
    ['its subject is "Release it"', set_version, 'Release it'],
    [
      'it is not on top of the commit that is checked out',
      () => {
        write('packages/net/CHANGELOG.md', 'x')
        repository.commit('Change something first')
        set_version()
      },
    ],
  ])('refuses a commit if %s', (reason, change, subject) => {
    prepare(change, subject)
    const before = repository.git('rev-parse', 'origin/main')
    expect(push()).toContain(`is not a release: ${reason}`)
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toContain(before)
  })
})
