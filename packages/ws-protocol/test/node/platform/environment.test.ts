import { expect, it } from 'vitest'
import { environment_of, is_network, node_environment, register_network } from '../../../src/node/index.js'

it('the environment without a network is this machine, which makes http servers', () => {
  expect(environment_of(undefined)).toBe(node_environment)
  expect(node_environment.create_http_server({}).listening).toBe(false)
})

it('the environment of a network is the one that it was registered with', () => {
  const network = {}
  expect([is_network(network), is_network(null), is_network('x')]).toEqual([false, false, false])
  expect(environment_of(network)).toBe(node_environment)
  const environment = { ...node_environment, has_tls: false }
  register_network(network, environment)
  expect([is_network(network), environment_of(network)]).toEqual([true, environment])
})
