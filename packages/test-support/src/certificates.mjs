// @ts-check
// Certificates for tests: generated on demand, in Node alone, and never stored.
import { isIP } from 'node:net'
import { generate } from 'selfsigned'

const DAY_MS = 86_400_000

/**
 * The contents of a certificate.
 * @typedef {object} CertificateDetails
 * @property {string} [name] its common name
 * @property {readonly string[]} [hosts] the host names and IP addresses that it is for, or `URI:…`
 * @property {number} [days] how many days it is valid, from yesterday on; 0 for an expired certificate
 * @property {string} [passphrase] encrypts the key
 */

/**
 * A certificate and its key, in PEM.
 * @typedef {{ readonly cert: string, readonly key: string }} Identity
 */

/**
 * Generates a self-signed certificate.
 * @param {CertificateDetails} [details]
 * @returns {Promise<Identity>}
 */
export function make_self_signed(details = {}) {
  return make(details, [])
}

/**
 * Generates a certificate authority, which issues certificates for servers and for clients.
 * @param {string} [name]
 * @returns {Promise<{ readonly cert: string, issue(details?: CertificateDetails): Promise<Identity> }>}
 */
export async function make_authority(name = 'Test Authority') {
  const usage = { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
  const constraints = { name: 'basicConstraints', cA: true, critical: true }
  const authority = await make({ name, days: 2 }, [constraints, usage])
  return { cert: authority.cert, issue: (details = {}) => make(details, [], authority) }
}

/**
 * @param {CertificateDetails} details
 * @param {readonly object[]} extensions
 * @param {Identity} [ca]
 * @returns {Promise<Identity>}
 */
async function make({ name = 'localhost', hosts = [], days = 2, passphrase }, extensions, ca) {
  const alternatives =
    hosts.length === 0 ? [] : [{ name: 'subjectAltName', altNames: hosts.map(alternative_name) }]
  const from = new Date(Date.now() - DAY_MS * (days === 0 ? 2 : 1))
  const basic = { name: 'basicConstraints', cA: false }
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: new Date(from.getTime() + DAY_MS * Math.max(days, 1)),
    extensions: /** @type {any} */ ([...(extensions.length === 0 ? [basic] : extensions), ...alternatives]),
    ...(ca === undefined ? {} : { ca }),
    ...(passphrase === undefined ? {} : { passphrase }),
  })
  return { cert, key }
}

/**
 * @param {string} host
 * @returns {object}
 */
function alternative_name(host) {
  if (host.startsWith('URI:')) return { type: 6, value: host.slice(4) }
  return isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host }
}
