import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './repository.ts'
import { read_workflow, WORKFLOWS, type Workflow, type WorkflowStep } from './workflow.ts'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** The actions that are used, by the commit of a version that is known: a tag can be moved. */
const ACTIONS = [
  'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2',
  'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
  'actions/setup-node@48b55a011bda9f5d6aeb4c2d9c7362e8dae4041e # v6.4.0',
  'actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1',
]

/** What the jobs of a release may write. */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  push: ['contents'],
  publish: ['id-token'],
  tag: ['contents'],
}

function text_of(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function steps_of({ jobs }: Workflow): WorkflowStep[] {
  return Object.values(jobs).flatMap(({ steps = [] }) => steps)
}

describe.each(readdirSync(WORKFLOWS))('the workflow %s', name => {
  const { jobs, permissions, concurrency } = read_workflow(name)
  const steps = steps_of(read_workflow(name))
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : run.trim().split('\n')))

  it('calls scripts, files and a version of pnpm that there are', () => {
    for (const command of commands) {
      const [, script = 'install'] = /^p?npm (?:run )?([\w:-]+)/.exec(command) ?? []
      expect(['install', ...Object.keys(manifest.scripts)], command).toContain(script)
      const [, pnpm = manifest.packageManager] = /(pnpm@\S+)/.exec(command) ?? []
      expect(pnpm).toBe(manifest.packageManager)
      const [, file] = /^bash (\S+)/.exec(command) ?? []
      if (file !== undefined) expect(text_of(file)).toMatch(/^#!.*bash\n/)
      const [, program] = /^node (\S+)/.exec(command) ?? []
      if (program !== undefined) expect(text_of(program)).not.toBe('')
    }
    for (const { uses } of Object.values(jobs)) {
      if (uses !== undefined)
        expect(readdirSync(WORKFLOWS)).toContain(uses.replace('./.github/workflows/', ''))
    }
  })

  it('names actions by commit, with the version beside it', () => {
    for (const [, action] of text_of(`.github/workflows/${name}`).matchAll(/uses: ([^.].*)$/gm))
      expect(ACTIONS).toContain(action)
  })

  it('may do no more than it has to, and is not run twice at a time', () => {
    expect(JSON.stringify(permissions)).not.toMatch(/write/)
    expect(concurrency?.group).toBeDefined()
    for (const [job, { permissions: allowed = permissions, steps = [] }] of Object.entries(jobs)) {
      const writes = Object.entries(allowed ?? {}).flatMap(([right, access]) =>
        access === 'write' ? [right] : [],
      )
      expect(writes, job).toEqual((name === 'release.yml' && RIGHTS[job]) || [])
      // A token that lies in the checkout could be read by all that runs there.
      for (const step of steps)
        if (step.uses?.startsWith('actions/checkout@'))
          expect(step.with?.['persist-credentials'], job).toBe(writes.includes('contents'))
      // What other people have written is not run with rights.
      if (writes.length > 0)
        for (const { run } of steps)
          expect(run ?? 'node scripts/release.mjs', job).toMatch(/^node scripts\/release\.mjs/)
    }
  })

  it('names no registry, and keeps no token', () => {
    expect(text_of(`.github/workflows/${name}`)).not.toMatch(/secrets\.|registry-url|_TOKEN|https?:/)
  })
})

describe('CI', () => {
  it('runs on each Node that the READMEs name', () => {
    const tested = read_workflow('ci.yml').jobs.linux?.strategy?.matrix.node
    for (const readme of ['README.md', 'README.zh-CN.md']) {
      const named = /Node (20(?:[^.。\n]*?\d\d)+)/.exec(text_of(readme).split('\n## ').at(-1) ?? '')?.[1]
      expect(named?.match(/\d+/g)?.map(Number), readme).toEqual(tested)
    }
  })
})

describe('a release', () => {
  it('is tested, built, pushed, published and tagged by jobs of their own, one after the other', () => {
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

  it('needs nothing but Node in the jobs that have rights', () => {
    const imported = text_of('scripts/release.mjs').matchAll(/^(?:import|export) .*from '(.*)'/gm)
    for (const [, module] of imported) expect(module).toMatch(/^node:/)
  })
})
