import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './repository.ts'
import { read_workflow, WORKFLOWS, type Workflow, type WorkflowStep } from './workflow.ts'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** The actions that workflows may use, pinned by commit, because a tag can be moved. */
const ACTIONS = [
  'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2',
  'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
  'actions/setup-node@48b55a011bda9f5d6aeb4c2d9c7362e8dae4041e # v6.4.0',
  'actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1',
]

/** The write permissions that each job of a release needs. */
const WRITE_PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  push: ['contents'],
  publish: ['id-token'],
  tag: ['contents'],
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function steps_of({ jobs }: Workflow): WorkflowStep[] {
  return Object.values(jobs).flatMap(({ steps = [] }) => steps)
}

describe.each(readdirSync(WORKFLOWS))('the workflow %s', name => {
  const { jobs, permissions, concurrency } = read_workflow(name)
  const steps = steps_of(read_workflow(name))
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : run.trim().split('\n')))

  it('calls only existing scripts, files and workflows, and the pnpm version of package.json', () => {
    for (const command of commands) {
      const [, script = 'install'] = /^p?npm (?:run )?([\w:-]+)/.exec(command) ?? []
      expect(['install', ...Object.keys(manifest.scripts)], command).toContain(script)
      const [, pnpm = manifest.packageManager] = /(pnpm@\S+)/.exec(command) ?? []
      expect(pnpm).toBe(manifest.packageManager)
      const [, file] = /^bash (\S+)/.exec(command) ?? []
      if (file !== undefined) expect(read(file)).toMatch(/^#!.*bash\n/)
      const [, program] = /^node (\S+)/.exec(command) ?? []
      if (program !== undefined) expect(read(program)).not.toBe('')
    }
    for (const { uses } of Object.values(jobs)) {
      if (uses !== undefined)
        expect(readdirSync(WORKFLOWS)).toContain(uses.replace('./.github/workflows/', ''))
    }
  })

  it('pins actions by commit, with the version in a comment', () => {
    for (const [, action] of read(`.github/workflows/${name}`).matchAll(/uses: ([^.].*)$/gm))
      expect(ACTIONS).toContain(action)
  })

  it('has no more permissions than it needs, and a concurrency group', () => {
    expect(JSON.stringify(permissions)).not.toMatch(/write/)
    expect(concurrency?.group).toBeDefined()
    for (const [job, { permissions: allowed = permissions, steps = [] }] of Object.entries(jobs)) {
      const writes = Object.entries(allowed ?? {}).flatMap(([right, access]) =>
        access === 'write' ? [right] : [],
      )
      expect(writes, job).toEqual((name === 'release.yml' && WRITE_PERMISSIONS[job]) || [])
      // Any program in a job can read a token that is stored in the checkout.
      for (const step of steps)
        if (step.uses?.startsWith('actions/checkout@'))
          expect(step.with?.['persist-credentials'], job).toBe(writes.includes('contents'))
      // Third-party code must not run with write permissions.
      if (writes.length > 0)
        for (const { run } of steps)
          expect(run ?? 'node scripts/release.mjs', job).toMatch(/^node scripts\/release\.mjs/)
    }
  })

  it('names no registry, and uses no stored token', () => {
    expect(read(`.github/workflows/${name}`)).not.toMatch(/secrets\.|registry-url|_TOKEN|https?:/)
  })
})

describe('CI', () => {
  it('runs on each Node version that the READMEs list', () => {
    const tested = read_workflow('ci.yml').jobs.linux?.strategy?.matrix.node
    for (const readme of ['README.md', 'README.zh-CN.md']) {
      const listed = /Node (20(?:[^.。\n]*?\d\d)+)/.exec(read(readme).split('\n## ').at(-1) ?? '')?.[1]
      expect(listed?.match(/\d+/g)?.map(Number), readme).toEqual(tested)
    }
  })
})

describe('the release workflow', () => {
  it('tests, builds, pushes, publishes and tags in separate jobs, one after another', () => {
    const { jobs } = read_workflow('release.yml')
    expect(jobs.ci?.uses).toBe('./.github/workflows/ci.yml')
    const order = Object.entries(jobs).map(([job, { needs }]) => [job, needs])
    expect(order).toEqual([
      ['ci', undefined],
      ['build', 'ci'],
      ['push', 'build'],
      ['publish', 'push'],
      ['tag', 'publish'],
    ])
    expect(jobs.publish?.environment).toBe('npm')
    expect(jobs.publish?.steps?.at(-1)).toMatchObject({ env: { NPM_CONFIG_PROVENANCE: 'true' } })
  })

  it('runs a script that imports only modules of Node', () => {
    const imported = read('scripts/release.mjs').matchAll(/^(?:import|export) .*from '(.*)'/gm)
    for (const [, module] of imported) expect(module).toMatch(/^node:/)
  })
})
