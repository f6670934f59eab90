// Removes the texts of errors: whatever only ends up in the message of a `NetError`.
import { Edits } from './edits.mjs'
import { is_function, nodes_in, parse } from './syntax_tree.mjs'

/** The properties of the rules of options that only say something. */
export const TEXT_MEMBERS = ['expects', 'shown']

/** The functions that format a value for a text. They have no effects, and never return an empty text. */
const FORMATTERS = new Set([
  'describe_cause',
  'describe_count',
  'describe_parts',
  'describe_secret',
  'describe_type',
  'describe_url',
  'describe_value',
  'shown_text',
  'shown_url',
])

const EMPTY = "''"

/** What is left of a text that is not part of a message, but tested: whether it is there. */
const MARK = "'-'"

/** @typedef {import('./syntax_tree.mjs').Node} Node */
/** @typedef {import('./syntax_tree.mjs').Binding} Binding */

/** The variables that a message keeps: they name an option or a callback. */
const KEPT = new Set(['name', 'unknown', 'callback'])

/**
 * Returns whether a message keeps a variable. The bundler adds a number to names that occur twice.
 * @param {Binding} binding
 */
const is_kept = ({ name }) => KEPT.has(name.replace(/\d+$/, ''))


/**
 * Returns the code with `net_error(code, detail, options)` in place of `new NetError(code, text, options)`, where
 * `detail` is what a message keeps, or an empty text.
 * @param {string} code
 */
export function without_texts(code) {
  const { nodes, bindings } = parse(code)
  const edits = new Edits(code)
  /** @type {Map<number, Binding>} */
  const binding_of = new Map()
  for (const binding of bindings)
    for (const { start } of [binding.identifier, ...binding.references]) binding_of.set(start, binding)
  const bound = (/** @type {Node} */ { type, start }) => (type === 'Identifier' ? binding_of.get(start) : undefined)

  const made = nodes.filter(
    ({ type, callee }) =>
      type === 'NewExpression' && bound(callee)?.declaration.imported?.name === 'NetError',
  )
  /** The expressions that are only texts. @type {Set<Node>} */
  const texts = new Set(made.map(node => node.arguments[1]))
  for (const { type, key, value, parent } of nodes)
    if (type === 'Property' && parent?.type === 'ObjectExpression' && TEXT_MEMBERS.includes(key.name)) texts.add(value)
  const is_in_text = (/** @type {Node | undefined} */ node) => {
    while (node !== undefined && !texts.has(node)) node = node.parent
    return node !== undefined
  }
  /** The variables that are only texts. @type {Set<Binding>} */
  const found = new Set()
  for (;;) {
    const before = found.size
    for (const binding of bindings) {
      if (found.has(binding) || is_kept(binding) || binding.references.length === 0) continue
      const is_own_value = (/** @type {Node} */ node) =>
        binding.references.some(other => is_assigned(other) && is_within(node, other.parent?.right))
      if (!binding.references.every(node => is_in_text(node) || is_assigned(node) || is_own_value(node))) continue
      const sources = sources_of(binding, bound, nodes)
      if (sources === undefined) continue
      found.add(binding)
      for (const source of sources) texts.add(source)
    }
    if (found.size === before) break
  }

  const outermost = [...texts].filter(text => !is_in_text(text.parent))
  const kept = (/** @type {Node} */ text, /** @type {Set<Node>} */ seen = new Set()) => {
    if (seen.has(text)) return ''
    seen.add(text)
    const binding = bound(text)
    if (binding !== undefined && is_kept(binding)) return binding.name
    if (binding !== undefined && found.has(binding)) {
      if (is_function(binding.declaration))
        return sources_of(binding, bound, nodes)?.some(source => kept(source, seen) !== '') ? binding.name : ''
      return binding.declaration.init === null ? '' : kept(binding.declaration.init, seen)
    }
    for (const node of nodes_in(text).slice(1)) {
      const name = kept(node, seen)
      if (name !== '') return name
    }
    return ''
  }
  const contents = outermost.map(text => /** @type {const} */ ([text, kept(text) || EMPTY]))
  for (const { start, callee } of made) edits.replace(start, callee.end, 'net_error')
  for (const [text, content] of contents) {
    const { arguments: list } = text.parent ?? {}
    // Without a text, the call ends with the argument before it.
    const start = content === EMPTY && list?.at(-1) === text ? list.at(-2)?.end : undefined
    if (start === undefined) edits.replace(text.start, text.end, content)
    else edits.replace(start, text.end)
  }
  for (const node of nodes)
    if (is_text(node, bound) && !is_in_text(node) && !is_text_in(node.parent, bound)) edits.replace(node.start, node.end, MARK)
  return edits.text
}

/**
 * @param {Node} node
 * @param {Node} outer
 */
const is_within = (node, outer) => node.start >= outer.start && node.end <= outer.end

/**
 * Returns whether an identifier is only assigned to.
 * @param {Node} node
 */
export const is_assigned = node =>
  node.parent?.type === 'AssignmentExpression' && node.parent.left === node && node.parent.operator === '='

/**
 * Returns whether an expression is a text for people: words with a space, or what a formatter returns.
 * @param {Node} node
 * @param {(node: Node) => Binding | undefined} bound
 */
function is_text({ type, value, quasis, callee, parent }, bound) {
  // What is compared is no text.
  if (parent?.type === 'BinaryExpression' || parent?.type === 'SwitchCase') return false
  if (type === 'Literal') return typeof value === 'string' && / /.test(value)
  if (type === 'TemplateLiteral') return quasis.some((/** @type {Node} */ part) => / /.test(part.value.cooked))
  return type === 'CallExpression' && FORMATTERS.has(callee.name)
}

/**
 * @param {Node | undefined} node
 * @param {(node: Node) => Binding | undefined} bound
 * @returns {boolean}
 */
const is_text_in = (node, bound) => node !== undefined && (is_text(node, bound) || is_text_in(node.parent, bound))

/**
 * Returns the expressions whose values a variable can have, or `undefined` if they are not all known: those of
 * a constant, or of a parameter of a function that is only called directly.
 * @param {Binding} binding
 * @param {(node: Node) => Binding | undefined} bound
 * @param {Node[]} nodes
 * @returns {Node[] | undefined}
 */
function sources_of({ declaration, identifier, references }, bound, nodes) {
  if (declaration.type === 'VariableDeclarator' && declaration.id === identifier)
    return [declaration.init, ...references.filter(is_assigned).map(({ parent }) => parent?.right)].filter(source => source)
  if (!is_function(declaration)) return undefined
  const index = parameter_index(declaration, identifier)
  const calls = index === -1 ? undefined : calls_of(declaration, bound, nodes)
  if (calls?.some(call => call.arguments.some((/** @type {Node} */ { type }) => type === 'SpreadElement'))) return undefined
  return calls?.map(call => call.arguments[index]).filter(argument => argument !== undefined)
}

/**
 * Returns which parameter of a function an identifier is, or -1.
 * @param {Node} declaration
 * @param {Node} identifier
 * @returns {number}
 */
export const parameter_index = ({ params }, identifier) =>
  params.findIndex((/** @type {Node} */ param) => param === identifier || param.left === identifier)

/**
 * Returns the calls of a function, or `undefined` if it is used in any other way.
 * @param {Node} declaration
 * @param {(node: Node) => Binding | undefined} bound
 * @param {Node[]} nodes
 * @returns {Node[] | undefined}
 */
export function calls_of(declaration, bound, nodes) {
  const { parent } = declaration
  if (parent?.type === 'MethodDefinition' && parent.key.type === 'PrivateIdentifier' && parent.kind === 'method') {
    const members = nodes.filter(({ type, property }) => type === 'MemberExpression' && property.type === 'PrivateIdentifier' && property.name === parent.key.name)
    return as_calls(members)
  }
  if (declaration.type !== 'FunctionDeclaration') return undefined
  const references = bound(declaration.id)?.references
  return references === undefined ? undefined : as_calls(references)
}

/**
 * @param {Node[]} callees
 * @returns {Node[] | undefined}
 */
function as_calls(callees) {
  const calls = callees.map(callee => callee.parent)
  return calls.every((call, i) => call?.type === 'CallExpression' && call.callee === callees[i])
    ? /** @type {Node[]} */ (calls)
    : undefined
}
