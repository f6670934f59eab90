// Releases all published packages together, in four stages. CONTRIBUTING.md says who does that, and when. Only the first stage needs what is
// installed here. A workflow runs the others with the right to push or to publish, so they import nothing but Node.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages_folder = join(root, 'packages')
const BRANCH = 'main'

/** What the first stage leaves for the others: the commit, the packages' tarballs, and a description of both. */
const made_folder = join(root, 'release')
const commit_file = join(made_folder, 'commit.bundle')
const description_file = join(made_folder, 'release.json')

const STAGES = /** @type {const} */ (['prepare', 'push', 'publish', 'tag'])

/** The files that a release changes. */
const FILE_OF_RELEASE = /^(\.changeset\/[^/]+\.md|packages\/[^/]+\/(package\.json|CHANGELOG\.md))$/

const USAGE = `pnpm release [prepare | push | publish | tag] [--dry-run] [--checked] [--resume]

Without a stage, all of them, in this order:

  prepare    makes the version, its commit and the packages' tarballs; the latter are in the folder ${relative(root, made_folder)}
  push       pushes the commit
  publish    publishes what the registry does not have
  tag        tags the commit, and pushes the tags

  --dry-run  checks what it can, and says what would be done
  --checked  does not run npm test: it has passed on this commit
  --resume   continues a release that was committed, but not published completely`

/** What is wrong, and what to do about it, for the person who releases. */
class ReleaseError extends Error {}

/**
 * One thing that a release does.
 * @typedef {object} Step
 * @property {string} what in words that go on from "will"
 * @property {() => void | Promise<void>} act
 * @property {string} remedy what to do when it fails
 */

/**
 * What the first stage has made.
 * @typedef {object} Release
 * @property {string} version
 * @property {string} commit
 * @property {readonly { readonly name: string, readonly tarball: string }[]} packages each behind those that it depends on
 */

async function release() {
  const { stage, dry_run, checked, resume } = read_arguments(process.argv.slice(2))
  for (const step of steps_of(stage, checked, resume)) {
    console.log(`release: ${dry_run ? 'would ' : ''}${step.what}`)
    if (!dry_run) await take(step)
  }
}

/** @param {readonly string[]} args */
function read_arguments(args) {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { 'dry-run': flag, checked: flag, resume: flag },
    })
    const stage = STAGES.find(name => name === positionals[0])
    const unknown = positionals[stage === undefined ? 0 : 1]
    if (unknown !== undefined) throw new Error(`Unexpected argument '${unknown}'`)
    return { stage, dry_run: values['dry-run'], checked: values.checked, resume: values.resume }
  } catch (error) {
    throw new ReleaseError(`${/** @type {Error} */ (error).message}\n\n${USAGE}`)
  }
}

/**
 * @param {typeof STAGES[number] | undefined} stage
 * @param {boolean} checked
 * @param {boolean} resume
 * @returns {Step[]}
 */
function steps_of(stage, checked, resume) {
  if (stage === 'push') return push_commit(made_release().version)
  if (stage === 'publish') return publish(made_release().version)
  if (stage === 'tag') return tag(made_release().version)
  check_tree()
  const version = resume ? committed_version() : next_version()
  const prepare = resume ? make('pnpm release --resume goes on') : prepare_anew(version, checked)
  if (stage === 'prepare') return prepare
  return [login(), ...prepare, ...push_commit(version), ...publish(version), ...tag(version)]
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
 * Asks before anything is done, so that a person who may not publish learns it first. A workflow has no login: npm proves who it is, for each
 * package.
 * @returns {Step}
 */
function login() {
  const act = () => void run('npm', ['whoami'])
  return { what: 'ask the registry who publishes', act, remedy: 'npm login, and again; nothing was changed' }
}

/**
 * @param {string} version
 * @param {boolean} checked
 * @returns {Step[]}
 */
function prepare_anew(version, checked) {
  const take_back = 'nothing was published; git reset --hard && git clean -fd takes the versions back'
  const test = { what: 'run npm test', act: () => run_aloud('npm', ['test']), remedy: 'nothing was changed' }
  return [
    ...(checked ? [] : [test]),
    {
      what: `make version ${version} of ${counted(changesets().length, 'changeset')}, and write the changelogs`,
      act: () => changeset('version'),
      remedy: take_back,
    },
    ...name_repository(take_back),
    {
      what: `commit that as "${subject_of(version)}"`,
      act: () => {
        git('add', '--all')
        git('commit', '--quiet', '-m', subject_of(version))
      },
      remedy: take_back,
    },
    ...make(
      'nothing was published; git reset --hard HEAD~1 takes the commit back, and then git pull --rebase',
    ),
  ]
}

/**
 * Provenance ties a package to the repository whose workflow has published it, and a registry accepts it only if the package names that
 * repository. The workflow knows it.
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
 * Makes what the other stages need, of the commit that is checked out.
 * @param {string} remedy
 * @returns {Step[]}
 */
function make(remedy) {
  return [
    { what: 'build the packages from nothing', act: build, remedy },
    { what: `pack them in the folder ${relative(root, made_folder)}`, act: pack, remedy },
  ]
}

/** From nothing: otherwise, files whose sources are gone would be published too. */
function build() {
  for (const folder of published_folders())
    for (const built of ['dist', '.tsbuild'])
      rmSync(join(packages_folder, folder, built), { recursive: true, force: true })
  const turbo = join(root, 'scripts/turbo.mjs')
  run(process.execPath, [turbo, '--quiet', 'run', 'build', '--filter=./packages/*'])
}

function pack() {
  rmSync(made_folder, { recursive: true, force: true })
  mkdirSync(made_folder)
  const folders = published_folders()
  const filters = folders.map(folder => `--filter=./packages/${folder}`)
  run('pnpm', ['--recursive', ...filters, 'pack', '--pack-destination', made_folder])
  git('bundle', 'create', '--quiet', commit_file, 'HEAD~1..HEAD')
  const version = current_version()
  const packages = in_order(folders.map(manifest_of)).map(({ name }) => ({
    name,
    tarball: `${name.slice(1).replace('/', '-')}-${version}.tgz`,
  }))
  /** @type {Release} */
  const made = { version, commit: git('rev-parse', 'HEAD'), packages }
  writeFileSync(description_file, `${JSON.stringify(made, null, 2)}\n`)
}

/**
 * So that a package is published after those that it depends on, and can be installed at once.
 * @typedef {{ readonly name: string, readonly dependencies?: Readonly<Record<string, string>> }} Manifest
 * @param {readonly Manifest[]} manifests
 * @returns {Manifest[]}
 */
function in_order(manifests) {
  /** @type {Manifest[]} */
  const ordered = []
  const add = (/** @type {Manifest} */ manifest) => {
    if (ordered.includes(manifest)) return
    for (const other of manifests) if (other.name in (manifest.dependencies ?? {})) add(other)
    ordered.push(manifest)
  }
  for (const manifest of manifests) add(manifest)
  return ordered
}

/** @returns {Release} */
function made_release() {
  if (!existsSync(description_file)) {
    const missing = relative(root, description_file)
    throw new ReleaseError(`there is no ${missing}, which \`pnpm release prepare\` makes: run that first`)
  }
  return JSON.parse(readFileSync(description_file, 'utf8'))
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function push_commit(version) {
  const act = () => {
    const { commit } = made_release()
    take_commit(commit)
    check_commit(commit, version)
    push(`${commit}:refs/heads/${BRANCH}`)
  }
  const remedy =
    'nothing was published; by hand, git reset --hard HEAD~1 takes the commit back, and then git pull --rebase; a workflow is started again'
  return upstream_of_branch() === undefined ? [] : [{ what: 'push the commit', act, remedy }]
}

/**
 * The commit comes from where other people's programs were run, and is pushed with rights that they must not have. So it may only be what a
 * release is: one commit on top of the branch, which changes no more than versions, repositories and changelogs.
 * @param {string} commit
 * @param {string} version
 */
function check_commit(commit, version) {
  const refuse = (/** @type {string} */ why) => {
    throw new ReleaseError(`the commit ${commit} is no release: ${why}; look at where it comes from`)
  }
  const parent = git('rev-parse', `${commit}~1`)
  if (![commit, parent].includes(git('rev-parse', 'HEAD'))) refuse('it does not follow what is checked out')
  const subject = git('log', '-1', '--format=%s', commit)
  if (subject !== subject_of(version)) refuse(`its subject is "${subject}"`)
  for (const file of git('diff', '--name-only', '--no-renames', parent, commit).split('\n')) {
    if (!FILE_OF_RELEASE.test(file)) refuse(`it changes ${file}`)
    if (!file.endsWith('package.json')) continue
    const [before, after] = [parent, commit].map(at => {
      const { version: _, repository: __, ...others } = JSON.parse(git('show', `${at}:${file}`))
      return JSON.stringify(others)
    })
    if (before !== after) refuse(`it changes more of ${file} than the version and the repository`)
  }
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function publish(version) {
  const names = in_order(published_folders().map(manifest_of)).map(({ name }) => name)
  const act = async () => {
    const registry = registry_of_packages()
    const missing = []
    for (const made of made_release().packages)
      if (!(await is_published(registry, made.name, version))) missing.push(made)
    for (const { tarball } of missing) {
      // Aloud, since a registry may ask for a second factor. The scripts of a package are none of the publisher's.
      run_aloud('npm', ['publish', join(made_folder, tarball), '--access=public', '--ignore-scripts'])
    }
  }
  return [{ what: `publish ${names.join(', ')}`, act, remedy: after_commit(version) }]
}

/** Where npm publishes: the registry of the scope, if it has one of its own. */
function registry_of_packages() {
  const settings = run('npm', ['config', 'get', 'registry', '@bt:registry'])
  const [registry = '', of_scope = 'undefined'] = settings
    .trim()
    .split('\n')
    .map(line => line.replace(/^.*?=/, ''))
  return of_scope === 'undefined' ? registry : of_scope
}

/**
 * @param {string} registry
 * @param {string} name
 * @param {string} version
 */
async function is_published(registry, name, version) {
  const url = new URL(name.replace('/', '%2f'), registry.replace(/\/*$/, '/'))
  const answer = await fetch(url).catch((/** @type {Error} */ error) => {
    throw new ReleaseError(`${url} does not answer: ${error.cause ?? error}`)
  })
  if (answer.status === 404) return false
  if (!answer.ok) throw new ReleaseError(`${url} answers ${answer.status}: it is unknown what it has already`)
  const { versions } = /** @type {{ versions: object }} */ (await answer.json())
  return version in versions
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function tag(version) {
  const act = () => {
    const { commit, packages } = made_release()
    take_commit(commit)
    const tags = packages.map(({ name }) => `${name}@${version}`)
    for (const name of tags) git('tag', '--force', name, commit)
    if (upstream_of_branch() !== undefined) push(...tags.map(name => `refs/tags/${name}`))
  }
  return [{ what: `tag the commit, as @bt/net@${version} and so on`, act, remedy: after_commit(version) }]
}

/** @param {string} version */
function after_commit(version) {
  return `${subject_of(version)} is committed; what the registry lacks, pnpm release --resume publishes`
}

/**
 * Where the commit was made, it is there already.
 * @param {string} commit
 */
function take_commit(commit) {
  git('fetch', '--quiet', '--no-tags', commit_file, 'HEAD')
  const fetched = git('rev-parse', 'FETCH_HEAD')
  if (fetched !== commit)
    throw new ReleaseError(`${relative(root, commit_file)} has ${fetched}, and not ${commit}`)
}

/** @param {readonly string[]} refs */
function push(...refs) {
  git('push', '--quiet', git('config', `branch.${BRANCH}.remote`), ...refs)
}

function changesets() {
  return readdirSync(join(root, '.changeset')).filter(name => name.endsWith('.md') && name !== 'README.md')
}

/** The version that the changesets make; all published packages have the same. */
function next_version() {
  if (changesets().length === 0) {
    throw new ReleaseError(
      'there is no changeset in .changeset, so there is nothing to release: describe what changes for users with `pnpm changeset`; a release that was committed and not published goes on with --resume',
    )
  }
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

/** The version of the release that is the last commit. */
function committed_version() {
  const version = current_version()
  const subject = git('log', '-1', '--format=%s')
  if (subject !== subject_of(version)) {
    throw new ReleaseError(
      `the last commit is "${subject}", and not "${subject_of(version)}", so what would be published is not what was released: add a changeset with \`pnpm changeset\`, and make a new release`,
    )
  }
  return version
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
  const program = createRequire(import.meta.url).resolve('@changesets/cli/bin.js')
  return run(process.execPath, [program, ...args])
}

/** @param {readonly string[]} args */
function git(...args) {
  return run('git', args).trim()
}

/**
 * Shows nothing unless it fails, and returns the output.
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
async function take({ act, remedy }) {
  try {
    await act()
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
  await release()
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error
  console.error(`release: ${error.message}`)
  process.exitCode = 1
}
