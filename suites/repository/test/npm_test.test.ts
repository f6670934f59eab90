import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { summary } from '@bt/test-support/results'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './root.ts'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'npm-test-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface RunResult {
  readonly code: number | null
  readonly output: string
}

/** Runs a test file in a new package with the shared settings, with no program but Node on its PATH. */
function run_tests(name: string, code: string, env: NodeJS.ProcessEnv = {}): RunResult {
  const root = join(folder, name)
  const bin = join(root, 'bin')
  const tmp = join(root, 'tmp')
  for (const each of [bin, tmp, join(root, 'test')]) mkdirSync(each, { recursive: true })
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name, type: 'module' }))
  const config = `import { package_config } from '${ROOT}/packages/test-support/src/test_run/package_config.mjs'\nexport default package_config\n`
  writeFileSync(join(root, 'vitest.config.ts'), config)
  const programs = `import { CHROMIUM, MissingProgram, path_of } from '${ROOT}/packages/test-support/src/programs.mjs'`
  writeFileSync(
    join(root, 'test/a.test.ts'),
    `import { beforeAll, describe, expect, it } from 'vitest'\n${programs}\n${code}`,
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, [VITEST, 'run'], {
    cwd: root,
    encoding: 'utf8',
    env: { HOME: root, PATH: bin, TMPDIR: tmp, NO_COLOR: '1', ...env },
  })
  expect(readdirSync(tmp)).toEqual([])
  return { code: status, output: stdout + stderr }
}

describe('a test that needs a missing program', () => {
  const IN_A_TEST = "it('a', () => {})\nit('b', () => { path_of(CHROMIUM) })"
  const IN_A_HOOK =
    "describe('both', () => { beforeAll(() => { path_of(CHROMIUM) })\nit('b', () => {})\nit('c', () => {}) })\nit('a', () => {})"

  it('is skipped, and listed at the end with the remedy', () => {
    const { code, output } = run_tests('in_a_test', IN_A_TEST)
    expect(output).toMatch(
      /Not tested: in_a_test without Chromium \(tests in a browser; 1 test\): install it \(Debian: apt-get install chromium-headless-shell\)/,
    )
    expect(output.trim().split('\n').at(-1)).toBe('1 passed, 0 failed, 1 skipped')
    expect(code).toBe(0)
  })

  it('is skipped with its whole group, if a hook needs the program', () => {
    const { code, output } = run_tests('in_a_hook', IN_A_HOOK)
    expect(output).toContain('tests in a browser; 2 tests')
    expect(output.trim().split('\n').at(-1)).toBe('1 passed, 0 failed, 2 skipped')
    expect(code).toBe(0)
  })

  it('is skipped with its whole file, if the file needs the program', () => {
    const { code, output } = run_tests('in_a_file', `path_of(CHROMIUM)\n${IN_A_TEST}`)
    expect(output).toContain('Not tested: in_a_file without Chromium')
    expect(code).toBe(0)
  })

  it('fails with CI=true, and names the remedy', () => {
    const { code, output } = run_tests('in_ci', IN_A_TEST, { CI: 'true' })
    expect(output).toContain('Chromium is missing, which is needed for tests in a browser: install it')
    expect(code).toBe(1)
  })

  it('is skipped even with CI=true, if the program is optional', () => {
    const missing_program = "{ name: 'Java', use: 'x', remedy: 'install it', is_optional: true }"
    const { code, output } = run_tests(
      'optional',
      `it('a', () => { throw new MissingProgram(${missing_program}) })`,
      {
        CI: 'true',
      },
    )
    expect(output).toContain('Not tested: optional without Java')
    expect(code).toBe(0)
  })
})

describe('a test run', () => {
  it('removes a forgotten folder, names it, and fails', () => {
    const code =
      "it('a', async () => { const fs = await import('node:fs'); fs.mkdirSync(process.env.TMPDIR + '/forgotten') })"
    const result = run_tests('folder', code)
    expect(result.output).toMatch(/The tests of folder have left behind: folder \S+\/forgotten/)
    expect(result.code).toBe(1)
  })

  it.skipIf(process.platform !== 'linux')('ends a forgotten process, names it, and fails', () => {
    const script = 'setInterval(() => {}, 1e6)'
    const options = "{ detached: true, stdio: 'ignore' }"
    const start = `spawn(process.execPath, ['-e', '${script}'], ${options}).unref()`
    const result = run_tests(
      'process',
      `it('a', async () => { const { spawn } = await import('node:child_process'); ${start} })`,
    )
    const [, pid] = /left behind: process (\d+) \(\S+ -e/.exec(result.output) ?? []
    expect(pid, result.output).toBeDefined()
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false)
    expect(result.code).toBe(1)
  })
})

describe('the summary of all suites', () => {
  const RESULTS = { passed: 1, failed: 0, skipped: 0, seconds: 1, not_tested: [] }

  it.each([
    ['tests that did not run', undefined, 'the tests of a did not run'],
    ['tests that failed', { ...RESULTS, failed: 2 }, '2 tests of a failed'],
    [
      'a suite that ran no test and gives no reason',
      { ...RESULTS, passed: 0, skipped: 3 },
      'a ran no test, and names no reason',
    ],
  ])('fails for %s', (_, results, problem) => {
    expect(summary([{ title: 'a', results }], '').problems).toEqual([problem])
  })

  it('adds up the tests of all suites', () => {
    const suites = ['a', 'b'].map(title => ({ title, results: { ...RESULTS, skipped: 2 } }))
    expect(summary(suites, '')).toMatchObject({ problems: [], total: '2 passed, 0 failed, 4 skipped' })
  })
})

describe.skipIf(process.platform === 'win32')('programs that a script runs', () => {
  /**
   * The source of a script that runs a program; a first signal ends it in order, and a second one at once.
   */
  const SCRIPT = `
    import { interrupted, run } from '${ROOT}/scripts/children.mjs'
    const program = "process.on('SIGINT', () => { console.log('in order'); if (process.argv[1] !== 'stays') process.exit(0) }); setInterval(() => {}, 1e6); console.log(process.pid)"
    const { code } = await run(process.execPath, ['-e', program, process.argv[2] ?? ''])
    process.exitCode = interrupted() ?? code`

  async function interrupt(
    delays_ms: readonly number[],
    argument = '',
  ): Promise<{ code: unknown; output: string }> {
    const file = join(folder, `script_${argument}.mjs`)
    writeFileSync(file, SCRIPT)
    const child = spawn(process.execPath, [file, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    for await (const text of child.stdout.setEncoding('utf8')) {
      if (output === '') child.kill('SIGINT')
      // The second signal is sent only after the first has arrived.
      else for (const delay_ms of delays_ms) setTimeout(() => child.kill('SIGINT'), delay_ms)
      output += text
    }
    if (child.exitCode === null) await new Promise(resolve => child.once('exit', resolve))
    return { code: child.exitCode, output }
  }

  it('end in order when the script alone gets one SIGINT', async () => {
    const { code, output } = await interrupt([])
    expect(output).toMatch(/^\d+\nin order\n$/)
    expect(code).toBe(130)
  })

  it('end at once when the script gets another signal later', async () => {
    const { code, output } = await interrupt([600], 'stays')
    expect(output).toMatch(/^\d+\nin order\n$/)
    expect(existsSync(`/proc/${output.split('\n')[0]}/exe`)).toBe(false)
    expect(code).toBe(130)
  })
})
