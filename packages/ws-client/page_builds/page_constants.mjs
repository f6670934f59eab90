// Replaces what is constant in every page, so that code that only a server or Node uses is removed.
import { Edits } from './edits.mjs'
import { parse } from './syntax_tree.mjs'

/** @typedef {import('./syntax_tree.mjs').Node} Node */

/** A value that nothing in a page has. Comparisons with it are false. */
const NEVER = 'server'

/**
 * Optional members of the platform, the port and the callbacks of a connection that those of browsers leave out.
 * Only code that expects this is replaced, such as `x.name?.()`.
 */
const LEFT_OUT = new Set(['budget', 'channels', 'may_run', 'settled'])

/** Members that nothing in a page has, wherever the code reads them. */
const NEVER_SET = new Set(['budget', 'channels', 'task'])

/** A callback that may always run, since the port of browsers has no `may_run`. */
const ALWAYS = 'may_run'

/** What every client does: it masks its frames. */
const ALWAYS_TRUE = 'is_masked'

/** Methods of ports that do nothing in a page, which can't pause a socket. */
const NO_EFFECT = new Set(['pause', 'resume'])

/** Names of states and events that no user sees, and that no text has. They become digits and letters. */
const INTERNAL_NAMES = [
  'busy',
  'close_sent',
  'closing_unopened',
  'connecting_again',
  'deferred',
  'draining',
  'fail',
  'gone',
  'greeted',
  'greeting',
  'none',
  'opened',
  'opening',
  'ready',
  'reopen',
  'soon',
  'terminate',
  'terminated',
  'timed_out',
  'waiting',
]

/** A member of ours that is an object if it is there, and whether it is there is only tested. */
const IS_TESTED = 'closing'

/** Members that nothing calls then. Each is ours alone, though its name also occurs elsewhere. */
export const UNUSED_MEMBERS = ['after_messages', 'calls', 'task']

/**
 * Returns the code with these constants. Methods whose names are in `visible` are kept: others can see them.
 * @param {string} code
 * @param {ReadonlySet<string>} [visible]
 */
export function with_page_constants(code, visible = new Set()) {
  const { nodes } = parse(code)
  const has_no_effect = (/** @type {string} */ name) => NO_EFFECT.has(name) && !visible.has(name)
  const edits = new Edits(code)
  for (const node of nodes) {
    const { type, operator, start, end, parent } = node
    if (type === 'BinaryExpression' && is_never(node.right)) {
      // Most bundlers keep `… || false`.
      if (parent?.operator === '||' && parent.right === node) edits.replace(parent.left.end, end)
      else edits.replace(start, end, operator.startsWith('!') ? 'true' : 'false')
    } else if (type === 'BinaryExpression' && operator === 'in' && node.left.value === IS_TESTED) {
      edits.replace(start, end, `${node.right.name}.${IS_TESTED}`)
    } else if (type === 'Literal' && INTERNAL_NAMES.includes(node.value)) {
      edits.replace(start, end, `'${INTERNAL_NAMES.indexOf(node.value).toString(36)}'`)
    } else if (is_always_true(node)) {
      edits.replace(start, end, 'true')
    } else if (
      type === 'MemberExpression' &&
      (is_left_out(node) || (has_no_effect(node.property.name) && is_call_of_port(node)))
    ) {
      replace_chain(node, edits)
    } else if (type === 'MethodDefinition' && has_no_effect(node.key.name) && is_empty(node)) {
      edits.replace(start, end)
    } else if (type === 'CallExpression' && node.callee.property?.name === ALWAYS) {
      if (parent?.type !== 'ChainExpression') edits.replace(start, end, 'true')
    }
  }
  return edits.text
}

/**
 * Checks that nothing is left in the code that contradicts these lists.
 * @param {string} code
 */
export function check_page_constants(code) {
  const wrong = parse(code).nodes.find(
    node =>
      is_never(node) ||
      (/^(Property|PropertyDefinition|MethodDefinition)$/.test(node.type) && NEVER_SET.has(node.key.name)),
  )
  if (wrong !== undefined)
    throw new Error(
      `the code for pages has ${code.slice(wrong.start, wrong.end)}, which page_constants.mjs excludes: change its lists`,
    )
}

/** @param {Node} node */
const is_never = ({ type, value }) => type === 'Literal' && value === NEVER

/** @param {Node} member */
const is_left_out = member =>
  (LEFT_OUT.has(member.property.name) && is_read_optionally(member)) ||
  (NEVER_SET.has(member.property.name) && member.parent?.type === 'ChainExpression')

/** @param {Node} node */
const is_always_true = ({ type, name, property, parent, start }) =>
  (type === 'Identifier' && name === ALWAYS_TRUE && parent?.type === 'ConditionalExpression') ||
  (type === 'MemberExpression' && property.name === ALWAYS_TRUE && parent?.left?.start !== start)

/** @param {Node} method */
const is_empty = ({ value }) => value.body.body.length === 0

/** @param {Node} member */
const is_call_of_port = ({ object, parent }) =>
  object.property?.name === 'port' && parent?.type === 'CallExpression'

/** @param {Node} member */
const is_read_optionally = ({ parent, ...member }) =>
  parent?.optional === true && (parent.object ?? parent.callee).end === member.end

/**
 * Replaces the chain that begins with an expression without a value.
 * @param {Node} node
 * @param {Edits} edits
 */
function replace_chain(node, edits) {
  let chain = node
  while (chain.type !== 'ChainExpression') chain = /** @type {Node} */ (chain.parent)
  edits.replace(chain.start, chain.end, 'void 0')
}
