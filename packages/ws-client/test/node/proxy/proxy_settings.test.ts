import { Agent } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { find_proxy } from '../../../src/node/proxy/proxy_settings.js'

const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']

beforeEach(() => {
  for (const name of NAMES) {
    vi.stubEnv(name, '')
    vi.stubEnv(name.toLowerCase(), '')
  }
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
})
afterEach(() => void vi.unstubAllEnvs())

const proxy_of = (url: string, agent?: Agent): string | undefined => find_proxy(new URL(url), agent)?.url.host

describe('the proxy of the environment', () => {
  it('is that of HTTP_PROXY for ws:, and of HTTPS_PROXY for wss:', () => {
    vi.stubEnv('HTTP_PROXY', 'http://plain:1')
    vi.stubEnv('HTTPS_PROXY', 'https://secure:2')
    expect([proxy_of('ws://host/'), proxy_of('wss://host/'), proxy_of('ws+unix:/a:/')]).toEqual([
      'plain:1',
      'secure:2',
      undefined,
    ])
  })

  it('is that of the variable in lower case, if there are both', () => {
    if (process.platform === 'win32') return
    vi.stubEnv('HTTP_PROXY', 'http://upper:1')
    vi.stubEnv('http_proxy', 'http://lower:1')
    expect(proxy_of('ws://host/')).toBe('lower:1')
  })

  it.each(['', 'socks5://proxy:1', 'proxy:1'])('is none for %j, as in Node', value => {
    vi.stubEnv('HTTP_PROXY', value)
    expect(proxy_of('ws://host/')).toBeUndefined()
  })

  it.each(['http://', 'http://host:port', 'http://%zz@host'])('throws for %j', value => {
    vi.stubEnv('HTTP_PROXY', value)
    expect(() => proxy_of('ws://host/')).toThrow(/HTTP_PROXY is .*no valid URL/)
  })

  it('is not used unless NODE_USE_ENV_PROXY is 1', () => {
    vi.stubEnv('HTTP_PROXY', 'http://plain:1')
    for (const value of ['', '0', 'true']) {
      vi.stubEnv('NODE_USE_ENV_PROXY', value)
      expect(proxy_of('ws://host/')).toBeUndefined()
    }
  })

  it('is that of the agent, if it has proxyEnv, and not used with any other agent', () => {
    vi.stubEnv('HTTP_PROXY', 'http://plain:1')
    expect(proxy_of('ws://host/', new Agent())).toBeUndefined()
    const agent = new Agent({ proxyEnv: { HTTP_PROXY: 'http://other:1' } } as object)
    expect(proxy_of('ws://host/', agent)).toBe('other:1')
  })
})

describe('NO_PROXY', () => {
  it.each([
    ['*', 'host', true],
    ['host', 'host', true],
    ['HOST', 'host', true],
    ['other, host', 'host', true],
    ['host', 'other', false],
    ['host', 'sub.host', false],
    ['host:8080', 'host:8080', true],
    ['host:80', 'host', true],
    ['host:8080', 'host', false],
    ['.host', 'sub.host', true],
    ['.host', 'host', true],
    ['.host', 'otherhost', false],
    ['*.host', 'sub.host', true],
    ['*.host', 'host', false],
    ['::1', '[::1]', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1-10.0.1.0', '10.0.0.255', true],
    ['10.0.0.1 - 10.0.1.0', '10.0.1.0', true],
    ['10.0.0.1-10.0.1.0', '10.0.0.0', false],
    ['10.0.0.1-10.0.1.0', '10.0.1.1', false],
    ['10.0.0.1-x', '10.0.0.1', false],
    ['my-host', 'my-host', true],
    [' , ', 'host', false],
  ])('%j and the host %s: exempt is %j', (list, host, is_exempt) => {
    vi.stubEnv('HTTP_PROXY', 'http://plain:1')
    vi.stubEnv('NO_PROXY', list)
    expect(proxy_of(`ws://${host}/`) === undefined).toBe(is_exempt)
  })
})
