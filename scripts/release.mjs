// Releases all published packages together: checks, versions, builds, commits, publishes and tags them. Who does that, and when, is
// told in CONTRIBUTING.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages_folder = join(root, 'packages')
const BRANCH = 'main'

const USAGE = `pnpm release [--dry-run] [--checked] [--resume]

  --dry-run  checks what it can, and says what would be done
  --checked  does not run npm test: somebody has run it on this commit
  --resume   goes on with a release that was committed, and not published as a whole`

/** What is wrong, and what to do about it, for the person who releases. */
class ReleaseError extends Error {}

/**
 * One thing that a release does.
 * @typedef {object} Step
 * @property {string} what in words that go on from "will"
 * @property {() => void} act
 * @property {string} remedy what to do when it fails
 */

function release() {
  const { dry_run, checked, resume } = read_arguments(process.argv.slice(2))
  check_tree()
  const steps = resume ? steps_to_resume() : steps_of_a_release(checked)
  for (const step of steps) {
    console.log(`release: ${dry_run ? 'would ' : ''}${step.what}`)
    if (!dry_run) take(step)
  }
}

/** @param {readonly string[]} args */
function read_arguments(args) {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { 'dry-run': flag, checked: flag, resume: flag },
    })
    return { dry_run: values['dry-run'], checked: values.checked, resume: values.resume }
  } catch (error) {
    throw new ReleaseError(`${/** @type {Error} */ (error).message}\n\n${USAGE}`)
  }
}

/** A release is made of what everybody has: of all of it, and of nothing else. */
function check_tree() {
  const branch = git('branch', '--show-current')
  if (branch !== BRANCH) {
    const got = branch === '' ? 'no branch is checked out' : `the branch is "${branch}"`
    throw new ReleaseError(`${got}, and releases are made from "${BRANCH}": git switch ${BRANCH}`)
  }
  const changed = git('status', '--porcelain')
  if (changed !== '') {
    throw new ReleaseError(
      `what is to be released has to be committed, and this is not: commit it, or git stash -u\n${changed}`,
    )
  }
  const upstream = upstream_of_branch()
  if (upstream === undefined) return
  git('fetch', '--quiet')
  const behind = Number(git('rev-list', '--count', `HEAD..${upstream}`))
  if (behind > 0) {
    throw new ReleaseError(
      `"${BRANCH}" lacks ${counted(behind, 'commit')} that ${upstream} has: git pull --rebase, and look at what that brings`,
    )
  }
}

/**
 * @param {boolean} checked
 * @returns {Step[]}
 */
function steps_of_a_release(checked) {
  const changesets = readdirSync(join(root, '.changeset')).filter(
    name => name.endsWith('.md') && name !== 'README.md',
  )
  if (changesets.length === 0) {
    throw new ReleaseError(
      'there is no changeset in .changeset, so there is nothing to release: describe what changes for users with `pnpm changeset`; a release that was committed and not published goes on with --resume',
    )
  }
  const version = next_version()
  const take_back = 'nothing was published; git reset --hard && git clean -fd takes the versions back'
  const nothing_done = 'nothing was changed'
  return [
    ...login(nothing_done),
    ...(checked
      ? []
      : [{ what: 'run npm test', act: () => run_aloud('npm', ['test']), remedy: nothing_done }]),
    {
      what: `make version ${version} of ${counted(changesets.length, 'changeset')}, and write the changelogs`,
      act: () => changeset('version'),
      remedy: take_back,
    },
    ...name_repository(take_back),
    build(take_back),
    {
      what: `commit that as "${subject_of(version)}"`,
      act: () => {
        git('add', '--all')
        git('commit', '--quiet', '-m', subject_of(version))
      },
      remedy: take_back,
    },
    ...push(
      'the commit',
      ['HEAD'],
      'nothing was published; git reset --hard HEAD~1 takes the commit back, and then git pull --rebase',
    ),
    ...publish(version),
  ]
}

/** @returns {Step[]} */
function steps_to_resume() {
  const version = current_version()
  const subject = git('log', '-1', '--format=%s')
  if (subject !== subject_of(version)) {
    throw new ReleaseError(
      `the last commit is "${subject}", and not "${subject_of(version)}", so what would be published is not what was released: add a changeset with \`pnpm changeset\`, and make a new release`,
    )
  }
  const stopped = 'pnpm release --resume goes on'
  return [...login(stopped), build(stopped), ...push('the commit', ['HEAD'], stopped), ...publish(version)]
}

/**
 * Who can't publish should hear it before anything is done. A workflow has no login: npm proves who it is, for each package.
 * @param {string} remedy
 * @returns {Step[]}
 */
function login(remedy) {
  const { ACTIONS_ID_TOKEN_REQUEST_URL } = process.env
  if (ACTIONS_ID_TOKEN_REQUEST_URL !== undefined) return []
  const act = () => run('npm', ['whoami'])
  return [{ what: 'ask the registry who publishes', act, remedy: `npm login, and again; ${remedy}` }]
}

/**
 * Provenance ties a package to the repository whose workflow has published it, and a registry takes it only where the package names
 * the same one. Which that is, its workflow knows.
 * @param {string} remedy
 * @returns {Step[]}
 */
function name_repository(remedy) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (server === undefined || repository === undefined) return []
  const url = `git+${server}/${repository}.git`
  const act = () => {
    for (const folder of published_folders()) {
      const manifest = manifest_of(folder)
      manifest.repository = { type: 'git', url, directory: `packages/${folder}` }
      writeFileSync(join(packages_folder, folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    }
  }
  return [{ what: `name ${url} as the repository of each package`, act, remedy }]
}

/**
 * From nothing: a file whose source is gone would be published with the others.
 * @param {string} remedy
 * @returns {Step}
 */
function build(remedy) {
  const act = () => {
    for (const folder of published_folders())
      for (const made of ['dist', '.tsbuild'])
        rmSync(join(packages_folder, folder, made), { recursive: true, force: true })
    run(process.execPath, [
      join(root, 'scripts/turbo.mjs'),
      '--quiet',
      'run',
      'build',
      '--filter=./packages/*',
    ])
  }
  return { what: 'build the packages from nothing', act, remedy }
}

/**
 * What is on the registry already is left alone, so all of it may be done twice.
 * @param {string} version
 * @returns {Step[]}
 */
function publish(version) {
  const remedy = `${subject_of(version)} is committed; what the registry has not taken, pnpm release --resume publishes`
  const names = published_folders().map(folder => manifest_of(folder).name)
  return [
    {
      what: `publish ${names.join(', ')}`,
      // Aloud, since a registry may ask for a second factor.
      act: () => run_aloud('pnpm', ['exec', 'changeset', 'publish', '--no-git-tag']),
      remedy,
    },
    { what: `tag the commit, as @bt/net@${version} and so on`, act: () => changeset('tag'), remedy },
    ...push(
      'the tags',
      names.map(name => `refs/tags/${name}@${version}`),
      remedy,
    ),
  ]
}

/**
 * @param {string} what
 * @param {readonly string[]} args
 * @param {string} remedy
 * @returns {Step[]}
 */
function push(what, args, remedy) {
  const upstream = upstream_of_branch()
  if (upstream === undefined) return []
  const remote = git('config', `branch.${BRANCH}.remote`)
  const act = () => void git('push', '--quiet', remote, ...args)
  return [{ what: `push ${what} to ${remote}`, act, remedy }]
}

/** The version that the changesets make; all published packages have the same. */
function next_version() {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  try {
    const file = join(folder, 'plan.json')
    changeset('status', `--output=${relative(root, file)}`)
    const { releases } = JSON.parse(readFileSync(file, 'utf8'))
    return releases[0].newVersion
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function current_version() {
  return manifest_of('net').version
}

/** @param {string} version */
function subject_of(version) {
  return `Release ${version}`
}

function published_folders() {
  return readdirSync(packages_folder).filter(folder => manifest_of(folder).private !== true)
}

/** @param {string} folder */
function manifest_of(folder) {
  return JSON.parse(readFileSync(join(packages_folder, folder, 'package.json'), 'utf8'))
}

/** The branch of others that this one follows, if there is one. */
function upstream_of_branch() {
  const found = spawnSync('git', ['rev-parse', '--abbrev-ref', '@{upstream}'], {
    cwd: root,
    encoding: 'utf8',
  })
  return found.status === 0 ? found.stdout.trim() : undefined
}

/** @param {readonly string[]} args */
function changeset(...args) {
  return run('pnpm', ['exec', 'changeset', ...args])
}

/** @param {readonly string[]} args */
function git(...args) {
  return run('git', args).trim()
}

/**
 * Says nothing unless it fails, and returns what it was told.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const ran = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (ran.error !== undefined || ran.status !== 0) {
    const said = ran.error === undefined ? `${ran.stdout}${ran.stderr}` : String(ran.error)
    throw new ReleaseError(`${[command, ...args].join(' ')} failed:\n${said.trim()}`)
  }
  return ran.stdout
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run_aloud(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status === 0) return
  throw new ReleaseError(`${[command, ...args].join(' ')} failed: ${error ?? 'see what it says above'}`)
}

/** @param {Step} step */
function take({ act, remedy }) {
  try {
    act()
  } catch (error) {
    if (error instanceof ReleaseError) error.message += `\n${remedy}`
    throw error
  }
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

try {
  release()
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error
  console.error(`release: ${error.message}`)
  process.exitCode = 1
}
