import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Person, type Ran } from './person.ts'
import { install_in, Repository } from './repository.ts'
import { read_workflow, type WorkflowJob, type WorkflowStep } from './workflow.ts'

/** Lets a push through only from a job with the right to write. */
const PRE_RECEIVE = '#!/bin/sh\n[ "$MAY_WRITE" = yes ] || { echo "no right to push" >&2; exit 1; }\n'

/** Stands in for the host that runs release.yml: it gives each job the rights that the file names, and no others. */
export class WorkflowHost {
  readonly #folder: string
  readonly #origin: string
  readonly #npmrc: string
  readonly #registry: string
  readonly #jobs = read_workflow('release.yml').jobs

  /** `origin`: the bare repository; `npmrc`: what proves to the registry who publishes, for jobs with `id-token: write`. */
  constructor(folder: string, origin: string, registry: string, npmrc: string) {
    this.#folder = folder
    this.#origin = origin
    this.#registry = registry
    this.#npmrc = npmrc
    writeFileSync(join(origin, 'hooks/pre-receive'), PRE_RECEIVE, { mode: 0o755 })
  }

  /** The jobs that it can run, each after the one that it needs. */
  get jobs(): string[] {
    const names = Object.keys(this.#jobs).filter(name => this.#jobs[name]?.uses === undefined)
    const depth = (name: string): number => 1 + (this.#jobs[name] ? depth(this.#jobs[name].needs ?? '') : 0)
    return names.sort((one, other) => depth(one) - depth(other))
  }

  /** Runs a job to its end, or to the first step that fails; returns what that step, or the last one, has said. */
  async run(name: string, inputs: { readonly resume: boolean }): Promise<Ran> {
    const job = this.#jobs[name]
    if (job?.steps === undefined) throw new Error(`release.yml has no job ${name} with steps`)
    const checkout = join(this.#folder, name)
    const runner = this.#runner(`${name}_home`, job)
    let ran: Ran = { status: 0, stdout: '', stderr: '' }
    for (const step of job.steps) {
      if (step.uses !== undefined) this.#act(step, checkout)
      else ran = await run_commands(runner, checkout, step, inputs.resume)
      if (ran.status !== 0) break
    }
    return ran
  }

  #runner(home: string, { permissions = {} }: WorkflowJob): Person {
    const folder = join(this.#folder, home)
    const runner = new Person(folder, {
      npm_config_registry: this.#registry,
      GITHUB_SERVER_URL: 'https://git.example.com',
      GITHUB_REPOSITORY: 'somebody/net',
      ...(permissions.contents === 'write' && { MAY_WRITE: 'yes' }),
    })
    if (permissions['id-token'] === 'write') writeFileSync(join(folder, '.npmrc'), this.#npmrc)
    return runner
  }

  /** Does what an action does. */
  #act({ uses = '', with: settings = {} }: WorkflowStep, checkout: string): void {
    const [action] = uses.split('@')
    const artifact = join(this.#folder, 'artifacts', `${settings.name}`)
    const path = join(checkout, `${settings.path}`)
    if (action === 'actions/checkout') {
      // The folder of a run before it is used again, and with it what turbo has built.
      if (existsSync(checkout)) new Repository(checkout).git('pull', '--quiet', '--ff-only')
      else execFileSync('git', ['clone', '--quiet', '--shared', this.#origin, checkout])
    } else if (action === 'actions/upload-artifact') cpSync(path, artifact, { recursive: true })
    else if (action === 'actions/download-artifact') cpSync(artifact, path, { recursive: true })
    else if (action !== 'actions/setup-node') throw new Error(`${uses} is not known here`)
  }
}

/** Runs commands of a step, but for those that install what this workspace has installed. */
async function run_commands(
  runner: Person,
  checkout: string,
  { run = '', env = {} }: WorkflowStep,
  resume: boolean,
): Promise<Ran> {
  if (run.startsWith('npm install --global pnpm@')) return { status: 0, stdout: '', stderr: '' }
  if (run === 'pnpm install --frozen-lockfile') {
    install_in(checkout)
    return { status: 0, stdout: '', stderr: '' }
  }
  const commands = run.replace(/\$\{\{ inputs\.resume && '(.*?)' \|\| '' \}\}/, resume ? '$1' : '')
  // No host signs provenance here.
  const { NPM_CONFIG_PROVENANCE: _, ...others } = env
  const words = Object.entries(others).map(([name, value]) => `${name}=${value}`)
  return runner.tries(checkout, 'env', ...words, 'bash', '-euo', 'pipefail', '-c', commands)
}
