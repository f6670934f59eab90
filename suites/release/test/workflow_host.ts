import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IsolatedUser, type ProgramResult } from './isolated_user.ts'
import { link_dependencies, Repository } from './repository.ts'
import { read_workflow, type WorkflowJob, type WorkflowStep } from './workflow.ts'

/** A git hook that accepts pushes only from a job that may write. */
const PRE_RECEIVE = '#!/bin/sh\n[ "$MAY_WRITE" = yes ] || { echo "no right to push" >&2; exit 1; }\n'

const SUCCESS: ProgramResult = { status: 0, stdout: '', stderr: '' }

/** Runs the jobs of release.yml, each with the permissions that the file grants it, and no others. */
export class WorkflowHost {
  readonly #folder: string
  readonly #origin: string
  readonly #npmrc: string
  readonly #registry: string
  readonly #jobs = read_workflow('release.yml').jobs

  /**
   * Installs a hook in `origin`, a bare repository. `npmrc` authorizes publishing, for jobs with
   * `id-token: write`.
   */
  constructor(folder: string, origin: string, registry: string, npmrc: string) {
    this.#folder = folder
    this.#origin = origin
    this.#registry = registry
    this.#npmrc = npmrc
    writeFileSync(join(origin, 'hooks/pre-receive'), PRE_RECEIVE, { mode: 0o755 })
  }

  /** The jobs that have steps, each after the one that it needs. */
  get jobs(): string[] {
    const names = Object.keys(this.#jobs).filter(name => this.#jobs[name]?.uses === undefined)
    const depth = (name: string): number => 1 + (this.#jobs[name] ? depth(this.#jobs[name].needs ?? '') : 0)
    return names.sort((one, other) => depth(one) - depth(other))
  }

  /** Runs a job up to its end or a step that fails, and returns the result of the last step. */
  async run(name: string, inputs: { readonly resume: boolean }): Promise<ProgramResult> {
    const job = this.#jobs[name]
    if (job?.steps === undefined) throw new Error(`release.yml has no job ${name} with steps`)
    const checkout = join(this.#folder, name)
    const runner = this.#create_runner(`${name}_home`, job)
    let result = SUCCESS
    for (const step of job.steps) {
      if (step.uses !== undefined) this.#run_action(step, checkout)
      else result = await run_commands(runner, checkout, step, inputs.resume)
      if (result.status !== 0) break
    }
    return result
  }

  #create_runner(home: string, { permissions = {} }: WorkflowJob): IsolatedUser {
    const folder = join(this.#folder, home)
    const runner = new IsolatedUser(folder, {
      npm_config_registry: this.#registry,
      GITHUB_SERVER_URL: 'https://git.example.com',
      GITHUB_REPOSITORY: 'somebody/net',
      ...(permissions.contents === 'write' && { MAY_WRITE: 'yes' }),
    })
    if (permissions['id-token'] === 'write') writeFileSync(join(folder, '.npmrc'), this.#npmrc)
    return runner
  }

  #run_action({ uses = '', with: inputs = {} }: WorkflowStep, checkout: string): void {
    const [action] = uses.split('@')
    const artifact = join(this.#folder, 'artifacts', `${inputs.name}`)
    const path = join(checkout, `${inputs.path}`)
    if (action === 'actions/checkout') {
      // A later run reuses the checkout, with everything that turbo has built in it.
      if (existsSync(checkout)) new Repository(checkout).git('pull', '--quiet', '--ff-only')
      else execFileSync('git', ['clone', '--quiet', '--shared', this.#origin, checkout])
    } else if (action === 'actions/upload-artifact') cpSync(path, artifact, { recursive: true })
    else if (action === 'actions/download-artifact') cpSync(artifact, path, { recursive: true })
    else if (action !== 'actions/setup-node') throw new Error(`the action ${uses} is not supported`)
  }
}

/** Runs the commands of a step; those that install dependencies use what this workspace has installed. */
async function run_commands(
  runner: IsolatedUser,
  checkout: string,
  { run = '', env = {} }: WorkflowStep,
  resume: boolean,
): Promise<ProgramResult> {
  if (run.startsWith('npm install --global pnpm@')) return SUCCESS
  if (run === 'pnpm install --frozen-lockfile') {
    link_dependencies(checkout)
    return SUCCESS
  }
  const commands = run.replace(/\$\{\{ inputs\.resume && '(.*?)' \|\| '' \}\}/, resume ? '$1' : '')
  // Provenance needs the signing service of a real workflow host.
  const { NPM_CONFIG_PROVENANCE: _, ...others } = env
  const variables = Object.entries(others).map(([name, value]) => `${name}=${value}`)
  return runner.try_run(checkout, 'env', ...variables, 'bash', '-euo', 'pipefail', '-c', commands)
}
