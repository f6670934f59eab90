// Releases all published packages together, in four stages. CONTRIBUTING.md describes who runs it, and when.
// Only the first stage needs installed dependencies. A workflow runs the others with the right to push or to
// publish, so this script imports nothing but Node's own modules.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages_folder = join(root, 'packages')
const BRANCH = 'main'

/** The output of the first stage: the commit, the packages' tarballs, and a description of both. */
const output_folder = join(root, 'release')
const bundle_file = join(output_folder, 'commit.bundle')
const description_file = join(output_folder, 'release.json')

const STAGES = /** @type {const} */ (['prepare', 'push', 'publish', 'tag'])

/** The files that the commit of a release may change. */
const RELEASE_FILE = /^(\.changeset\/[^/]+\.md|packages\/[^/]+\/(package\.json|CHANGELOG\.md))$/

/** The properties of manifests that it may change. */
const RELEASE_PROPERTIES = ['version', 'homepage', 'bugs', 'repository']

const USAGE = `Usage: pnpm release [prepare | push | publish | tag] [--dry-run] [--checked] [--resume]

Runs one stage, or all of them in this order:

  prepare    sets the version, commits it, and packs the packages into the folder ${relative(root, output_folder)}
  push       pushes the commit
  publish    publishes the packages that the registry does not have yet
  tag        tags the commit, and pushes the tags

  --dry-run  prints what a release would do, without doing it
  --checked  skips npm test, because it has already passed on this commit
  --resume   continues a release that was committed, but not published completely`

/** A failure that is reported without a stack trace: what is wrong, and what to do about it. */
class ReleaseError extends Error {}

/**
 * One step of a release.
 * @typedef {object} Step
 * @property {string} description an infinitive that can follow "would", such as "push the commit"
 * @property {() => void | Promise<void>} run
 * @property {string} remedy what to do if the step fails
 */

/**
 * The output of the first stage.
 * @typedef {object} Release
 * @property {string} version
 * @property {string} commit
 * @property {readonly { readonly name: string, readonly tarball: string }[]} packages each one after its
 *   dependencies
 */

async function release() {
  const { stage, dry_run, checked, resume } = read_arguments(process.argv.slice(2))
  for (const step of steps_of(stage, checked, resume)) {
    console.log(`release: ${dry_run ? 'would ' : ''}${step.description}`)
    if (!dry_run) await run_step(step)
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
  if (stage === 'push') return push_commit(prepared_release().version)
  if (stage === 'publish') return publish(prepared_release().version)
  if (stage === 'tag') return tag(prepared_release().version)
  check_working_tree()
  const version = resume ? committed_version() : next_version()
  const prepare = resume
    ? build_and_pack('pnpm release --resume tries again')
    : prepare_version(version, checked)
  if (stage === 'prepare') return prepare
  return [check_login(), ...prepare, ...push_commit(version), ...publish(version), ...tag(version)]
}

/** Checks that the working tree is exactly what the upstream branch has, plus local commits. */
function check_working_tree() {
  const branch = git('branch', '--show-current')
  if (branch !== BRANCH) {
    const found = branch === '' ? 'no branch is checked out' : `the current branch is "${branch}"`
    throw new ReleaseError(`${found}, but releases are made from "${BRANCH}": git switch ${BRANCH}`)
  }
  const changes = git('status', '--porcelain')
  if (changes !== '') {
    throw new ReleaseError(`there are uncommitted changes: commit them, or git stash -u\n${changes}`)
  }
  const upstream = upstream_branch()
  if (upstream === undefined) return
  git('fetch', '--quiet')
  const behind = Number(git('rev-list', '--count', `HEAD..${upstream}`))
  if (behind > 0) {
    throw new ReleaseError(
      `"${BRANCH}" is ${pluralize(behind, 'commit')} behind ${upstream}: git pull --rebase, and review what is new`,
    )
  }
}

/**
 * Comes before all other steps, so that a missing login does not interrupt the release halfway. A workflow
 * has no login: npm authenticates it for each package.
 * @returns {Step}
 */
function check_login() {
  return {
    description: 'check the login at the registry',
    run: () => void run('npm', ['whoami']),
    remedy: 'run npm login, then try again; nothing was changed',
  }
}

/**
 * @param {string} version
 * @param {boolean} checked
 * @returns {Step[]}
 */
function prepare_version(version, checked) {
  const remedy = 'nothing was published; git reset --hard && git clean -fd undoes the changes'
  const test = {
    description: 'run npm test',
    run: () => run_visibly('npm', ['test']),
    remedy: 'nothing was changed',
  }
  return [
    ...(checked ? [] : [test]),
    {
      description: `set version ${version} from ${pluralize(changesets().length, 'changeset')}, and write the changelogs`,
      run: () => void changeset('version'),
      remedy,
    },
    ...set_repository(remedy),
    {
      description: `commit the version as "${subject_of(version)}"`,
      run: () => {
        git('add', '--all')
        git('commit', '--quiet', '-m', subject_of(version))
      },
      remedy,
    },
    ...build_and_pack(
      'nothing was published; undo the commit with git reset --hard HEAD~1, then git pull --rebase',
    ),
  ]
}

/**
 * Provenance ties a package to the repository whose workflow published it, and a registry accepts it only if
 * the package names that repository. The workflow's environment has its URL. The pages that npm shows as the
 * homepage and for bugs are there, too.
 * @param {string} remedy
 * @returns {Step[]}
 */
function set_repository(remedy) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (server === undefined || repository === undefined) return []
  const page = `${server}/${repository}`
  const write_manifests = () => {
    for (const folder of published_folders()) {
      const directory = `packages/${folder}`
      const manifest = {
        ...manifest_of(folder),
        homepage: `${page}/tree/${BRANCH}/${directory}#readme`,
        bugs: { url: `${page}/issues` },
        repository: { type: 'git', url: `git+${page}.git`, directory },
      }
      writeFileSync(join(root, directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    }
  }
  return [{ description: `set the repository of each package to ${page}`, run: write_manifests, remedy }]
}

/**
 * Produces what the other stages need, from the commit that is checked out.
 * @param {string} remedy
 * @returns {Step[]}
 */
function build_and_pack(remedy) {
  return [
    { description: 'build the packages from scratch', run: build, remedy },
    { description: `pack them into the folder ${relative(root, output_folder)}`, run: pack, remedy },
  ]
}

/** Deletes earlier builds first: otherwise, files whose sources were deleted would be published too. */
function build() {
  for (const folder of published_folders())
    for (const built of ['dist', '.tsbuild'])
      rmSync(join(packages_folder, folder, built), { recursive: true, force: true })
  const turbo = join(root, 'scripts/turbo.mjs')
  run(process.execPath, [turbo, '--quiet', 'run', 'build', '--filter=./packages/*'])
}

function pack() {
  rmSync(output_folder, { recursive: true, force: true })
  mkdirSync(output_folder)
  const folders = published_folders()
  const filters = folders.map(folder => `--filter=./packages/${folder}`)
  with_readmes_for_readers(folders, () =>
    run('pnpm', ['--recursive', ...filters, 'pack', '--pack-destination', output_folder]),
  )
  git('bundle', 'create', '--quiet', bundle_file, 'HEAD~1..HEAD')
  const version = current_version()
  const packages = sort_by_dependencies(folders.map(manifest_of)).map(({ name }) => ({
    name,
    tarball: `${name.slice(1).replace('/', '-')}-${version}.tgz`,
  }))
  /** @type {Release} */
  const prepared = { version, commit: git('rev-parse', 'HEAD'), packages }
  writeFileSync(description_file, `${JSON.stringify(prepared, null, 2)}\n`)
}

/**
 * Does something while the READMEs of packages have absolute links, because a reader of a package does not have
 * the rest of the repository.
 * @param {readonly string[]} folders
 * @param {() => void} task
 */
function with_readmes_for_readers(folders, task) {
  const readmes = folders.map(folder => {
    const file = join(packages_folder, folder, 'README.md')
    return { file, text: readFileSync(file, 'utf8'), manifest: manifest_of(folder) }
  })
  try {
    for (const { file, text, manifest } of readmes) writeFileSync(file, with_absolute_links(text, manifest))
    task()
  } finally {
    for (const { file, text } of readmes) writeFileSync(file, text)
  }
}

/**
 * Returns a README whose links lead to the files as they were at its release; unchanged if the package names
 * no repository.
 * @param {string} readme
 * @param {{ name: string, version: string, repository?: { url: string, directory: string } }} manifest
 */
function with_absolute_links(readme, { name, version, repository }) {
  if (repository === undefined) return readme
  const page = repository.url.replace(/^git\+|\.git$/g, '')
  return readme.replace(/\]\((\.[^)\s]*)\)/g, (_, link) => {
    const path = posix.join(repository.directory, link)
    return `](${page}/blob/${name}@${version}/${path})`
  })
}

/**
 * Sorts packages so that each is published after its dependencies, and can be installed at once.
 * @typedef {{ readonly name: string, readonly dependencies?: Readonly<Record<string, string>> }} Manifest
 * @param {readonly Manifest[]} manifests
 * @returns {Manifest[]}
 */
function sort_by_dependencies(manifests) {
  /** @type {Manifest[]} */
  const sorted = []
  const add = (/** @type {Manifest} */ manifest) => {
    if (sorted.includes(manifest)) return
    for (const other of manifests) if (other.name in (manifest.dependencies ?? {})) add(other)
    sorted.push(manifest)
  }
  for (const manifest of manifests) add(manifest)
  return sorted
}

/** @returns {Release} */
function prepared_release() {
  if (!existsSync(description_file)) {
    throw new ReleaseError(
      `${relative(root, description_file)} is missing: run \`pnpm release prepare\` first`,
    )
  }
  return JSON.parse(readFileSync(description_file, 'utf8'))
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function push_commit(version) {
  if (upstream_branch() === undefined) return []
  const check_and_push = () => {
    const { commit } = prepared_release()
    fetch_commit(commit)
    check_commit(commit, version)
    push(`${commit}:refs/heads/${BRANCH}`)
  }
  const remedy =
    'nothing was published; by hand, undo the commit with git reset --hard HEAD~1, then git pull --rebase; in CI, start the workflow again'
  return [{ description: 'push the commit', run: check_and_push, remedy }]
}

/**
 * Checks a commit that is pushed with rights which the stage that made it must not have, because that stage
 * runs third-party programs. It must be one commit on top of the branch, and change only versions, what leads
 * to the repository, and changelogs.
 * @param {string} commit
 * @param {string} version
 */
function check_commit(commit, version) {
  const reject = (/** @type {string} */ reason) => {
    throw new ReleaseError(`the commit ${commit} is not a release: ${reason}; find out where it comes from`)
  }
  const parent = git('rev-parse', `${commit}~1`)
  if (![commit, parent].includes(git('rev-parse', 'HEAD')))
    reject('it is not on top of the commit that is checked out')
  const subject = git('log', '-1', '--format=%s', commit)
  if (subject !== subject_of(version)) reject(`its subject is "${subject}"`)
  for (const file of git('diff', '--name-only', '--no-renames', parent, commit).split('\n')) {
    if (!RELEASE_FILE.test(file)) reject(`it changes ${file}`)
    if (!file.endsWith('package.json')) continue
    const [before, after] = [parent, commit].map(revision => {
      const manifest = JSON.parse(git('show', `${revision}:${file}`))
      for (const property of RELEASE_PROPERTIES) delete manifest[property]
      return JSON.stringify(manifest)
    })
    if (before !== after) reject(`it changes more in ${file} than ${RELEASE_PROPERTIES.join(', ')}`)
  }
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function publish(version) {
  const names = sort_by_dependencies(published_folders().map(manifest_of)).map(({ name }) => name)
  const publish_missing = async () => {
    const registry = registry_of_packages()
    const missing = []
    for (const each of prepared_release().packages)
      if (!(await is_published(registry, each.name, version))) missing.push(each)
    for (const { tarball } of missing) {
      // The output is shown, since a registry may ask for a second factor. Scripts of the package must not
      // run with the right to publish.
      run_visibly('npm', ['publish', join(output_folder, tarball), '--access=public', '--ignore-scripts'])
    }
  }
  return [
    {
      description: `publish ${names.join(', ')}`,
      run: publish_missing,
      remedy: remedy_after_commit(version),
    },
  ]
}

/** Returns the registry that npm publishes to: that of the scope, if it has its own. */
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
  const response = await fetch(url).catch((/** @type {Error} */ error) => {
    throw new ReleaseError(`${url} cannot be reached: ${error.cause ?? error}`)
  })
  if (response.status === 404) return false
  if (!response.ok)
    throw new ReleaseError(`${url} answered ${response.status}, so it is unknown which versions it has`)
  const { versions } = /** @type {{ versions: object }} */ (await response.json())
  return version in versions
}

/**
 * @param {string} version
 * @returns {Step[]}
 */
function tag(version) {
  const create_tags = () => {
    const { commit, packages } = prepared_release()
    fetch_commit(commit)
    const tags = packages.map(({ name }) => `${name}@${version}`)
    for (const name of tags) git('tag', '--force', name, commit)
    if (upstream_branch() !== undefined) push(...tags.map(name => `refs/tags/${name}`))
  }
  return [
    {
      description: `tag the commit as @bt/net@${version}, and likewise for the other packages`,
      run: create_tags,
      remedy: remedy_after_commit(version),
    },
  ]
}

/** @param {string} version */
function remedy_after_commit(version) {
  return `${subject_of(version)} is committed; pnpm release --resume publishes what the registry lacks`
}

/**
 * Fetches the commit from the first stage's output; does nothing if this repository has it already.
 * @param {string} commit
 */
function fetch_commit(commit) {
  git('fetch', '--quiet', '--no-tags', bundle_file, 'HEAD')
  const fetched = git('rev-parse', 'FETCH_HEAD')
  if (fetched !== commit)
    throw new ReleaseError(`${relative(root, bundle_file)} contains ${fetched} instead of ${commit}`)
}

/** @param {readonly string[]} refs */
function push(...refs) {
  git('push', '--quiet', git('config', `branch.${BRANCH}.remote`), ...refs)
}

function changesets() {
  return readdirSync(join(root, '.changeset')).filter(name => name.endsWith('.md') && name !== 'README.md')
}

/** Returns the version that the changesets lead to. All published packages share it. */
function next_version() {
  if (changesets().length === 0) {
    throw new ReleaseError(
      'there is no changeset in .changeset, so there is nothing to release: describe what changes for users with `pnpm changeset`; to continue a release that was committed but not published, use --resume',
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

/** Returns the version of the release that the last commit is. */
function committed_version() {
  const version = current_version()
  const subject = git('log', '-1', '--format=%s')
  if (subject !== subject_of(version)) {
    throw new ReleaseError(
      `the last commit is "${subject}" instead of "${subject_of(version)}", so other code than that of the release would be published: add a changeset with \`pnpm changeset\`, and make a new release`,
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

/** Returns the upstream of the current branch, if it has one. */
function upstream_branch() {
  const result = spawnSync('git', ['rev-parse', '--abbrev-ref', '@{upstream}'], {
    cwd: root,
    encoding: 'utf8',
  })
  return result.status === 0 ? result.stdout.trim() : undefined
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
 * Runs a command and returns its output, which is shown only if the command fails.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (result.error !== undefined || result.status !== 0) {
    const output = result.error === undefined ? `${result.stdout}${result.stderr}` : String(result.error)
    throw new ReleaseError(`${[command, ...args].join(' ')} failed:\n${output.trim()}`)
  }
  return result.stdout
}

/**
 * Runs a command whose output goes to the terminal.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run_visibly(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status === 0) return
  throw new ReleaseError(`${[command, ...args].join(' ')} failed: ${error ?? 'see its output above'}`)
}

/** @param {Step} step */
async function run_step({ run, remedy }) {
  try {
    await run()
  } catch (error) {
    if (error instanceof ReleaseError) error.message += `\n${remedy}`
    throw error
  }
}

/**
 * @param {number} count
 * @param {string} noun
 */
function pluralize(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

try {
  await release()
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error
  console.error(`release: ${error.message}`)
  process.exitCode = 1
}
