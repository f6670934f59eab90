// Removes what nothing uses and bundlers have to keep, since they do not know that this code is all there is:
// parameters, variables, and members of classes and objects.
import { Edits } from './edits.mjs'
import { calls_of, is_assigned, is_function, parameter_index, parse } from './syntax_tree.mjs'

/** @typedef {import('./syntax_tree.mjs').Node} Node */
/** @typedef {import('./syntax_tree.mjs').Binding} Binding */

/** Methods of strings that may be in a constant which only a text has used. */
const STRING_METHODS = new Set(['codePointAt', 'padStart', 'toString', 'toUpperCase'])

const EFFECTS = new Set([
  'CallExpression',
  'NewExpression',
  'TaggedTemplateExpression',
  'ImportExpression',
  'AssignmentExpression',
  'UpdateExpression',
  'AwaitExpression',
  'YieldExpression',
  'ThrowStatement',
])

/**
 * Returns whether an expression can be dropped if its value is not used. Reading a property counts as no effect:
 * the getters of our classes have none, and objects of users are only read for their values.
 * @param {Node} node
 * @returns {boolean}
 */
function is_pure(node) {
  if (is_function(node)) return true
  if (node.type === 'CallExpression' && STRING_METHODS.has(node.callee.property?.name))
    return is_pure(node.callee) && node.arguments.every(is_pure)
  if (EFFECTS.has(node.type)) return false
  if (node.type === 'UnaryExpression' && node.operator === 'delete') return false
  return Object.entries(node)
    .filter(([key]) => key !== 'parent')
    .flatMap(([, value]) => value)
    .every(value => typeof value?.type !== 'string' || is_pure(value))
}

/**
 * Returns the code without what is unused. What becomes unused by that is left for the next call. `is_own` returns whether a name of a member is ours alone; no text names those in `unnamed`.
 * @param {string} code
 * @param {(name: string) => boolean} is_own
 * @param {ReadonlySet<string>} unnamed
 */
export function without_unused(code, is_own, unnamed) {
  const { nodes, bindings, bound } = parse(code)
  const edits = new Edits(code)
  /** Removes an element of a list, with one comma. */
  const remove_element = (/** @type {Node[]} */ list, /** @type {number} */ index) => {
    const { start, end } = list[index]
    const comma = edits.text.slice(end).match(/^\s*,/)?.[0].length
    if (comma !== undefined) edits.replace(start, end + comma)
    else {
      const before = edits.text.slice(0, start).match(/,\s*$/)?.[0].length ?? 0
      edits.replace(start - before, end)
    }
  }

  /** The lists that were changed: their next element has its turn when the code is parsed again. */
  const changed = new Set()
  for (const { declaration, identifier, references } of bindings) {
    if (references.some(node => !is_assigned(node))) continue
    // The value of an assignment is that of its right side.
    for (const { parent } of references)
      if (parent !== undefined) edits.replace(parent.start, parent.right.start)
    if (references.length > 0) continue
    if (declaration.type === 'VariableDeclarator') {
      if (declaration.id.type === 'ObjectPattern') {
        const { properties } = declaration.id
        const index = properties.findIndex((/** @type {Node} */ { value }) => value === identifier)
        const has_rest = properties.some((/** @type {Node} */ { type }) => type === 'RestElement')
        if (index !== -1 && !has_rest) remove_element(properties, index)
      } else if (declaration.id === identifier && declaration.init !== null && is_pure(declaration.init)) {
        const list = declaration.parent?.declarations
        if (declaration.parent?.parent?.type.startsWith('Export')) continue
        if (changed.has(list)) continue
        changed.add(list)
        if (list.length > 1) remove_element(list, list.indexOf(declaration))
        else if (declaration.parent !== undefined && !/^For/.test(declaration.parent.parent?.type ?? ''))
          edits.replace(declaration.parent.start, declaration.parent.end, ';')
      }
    } else if (is_function(declaration)) {
      const index = parameter_index(declaration, identifier)
      const calls = index === -1 ? undefined : calls_of(declaration, bound, nodes)
      if (calls === undefined) continue
      const { right } = declaration.params[index]
      const is_removable =
        (right === undefined || is_pure(right)) &&
        calls.every(
          call =>
            !call.arguments.some((/** @type {Node} */ { type }) => type === 'SpreadElement') &&
            (call.arguments[index] === undefined || is_pure(call.arguments[index])),
        )
      if (!is_removable) continue
      if (changed.has(declaration)) continue
      changed.add(declaration)
      remove_element(declaration.params, index)
      for (const call of calls) if (call.arguments[index] !== undefined) remove_element(call.arguments, index)
    }
  }
  remove_members(nodes, edits, is_own, unnamed, remove_element)
  remove_empty(nodes, edits)
  return edits.text
}

/**
 * Removes the members that nothing reads.
 * @param {Node[]} nodes
 * @param {Edits} edits
 * @param {(name: string) => boolean} is_own
 * @param {ReadonlySet<string>} unnamed
 * @param {(list: Node[], index: number) => void} remove_element
 */
function remove_members(nodes, edits, is_own, unnamed, remove_element) {
  /** @type {Set<unknown>} */
  const read = new Set()
  for (const node of nodes) {
    const name = member_name(node)
    if (name !== undefined && !is_written(node)) read.add(name)
    // A member may be read by a text that is its name.
    if (node.type === 'Literal' && !unnamed.has(node.value)) read.add(node.value)
    if (node.type === 'Property' && node.parent?.type === 'ObjectPattern') read.add(node.key.name)
  }
  const is_unread = (/** @type {string | undefined} */ name) =>
    name !== undefined && (name.startsWith('#') || is_own(name)) && !read.has(name)
  for (const node of nodes) {
    if (/^(Method|Property)Definition$/.test(node.type)) {
      const is_kept = node.type === 'PropertyDefinition' && node.value !== null && !is_pure(node.value)
      if (!is_kept && is_unread(key_name(node))) edits.replace(node.start, node.end)
    } else if (node.type === 'Property' && node.parent?.type === 'ObjectExpression') {
      const { properties } = node.parent
      if (is_pure(node.value) && is_unread(key_name(node)))
        remove_element(properties, properties.indexOf(node))
    } else if (node.type === 'AssignmentExpression' && is_written(node.left)) {
      if (is_unread(member_name(node.left))) edits.replace(node.left.start, node.right.start)
    }
  }
}

/**
 * Removes patterns without names, constructors and calls of methods that do nothing.
 * @param {Node[]} nodes
 * @param {Edits} edits
 */
function remove_empty(nodes, edits) {
  const empty = new Set(
    nodes
      .filter(
        ({ type, kind, value, key }) =>
          type === 'MethodDefinition' &&
          kind === 'method' &&
          key.type === 'PrivateIdentifier' &&
          value.body.body.length === 0,
      )
      .map(key_name),
  )
  for (const { type, start, end, ...node } of nodes) {
    if (node.kind === 'constructor' && node.value.body.body.length === 0) edits.replace(start, end)
    else if (type === 'VariableDeclaration' && node.declarations.length === 1) {
      const [{ id, init }] = node.declarations
      if (id.type === 'ObjectPattern' && id.properties.length === 0 && is_pure(init))
        edits.replace(start, end, ';')
    } else if (
      type === 'CallExpression' &&
      empty.has(member_name(node.callee)) &&
      node.arguments.every(is_pure)
    )
      edits.replace(start, end, 'void 0')
  }
}

/**
 * Returns whether an expression is only assigned to. With an operator, that reads it too, but for its own sake.
 * @param {Node} node
 */
function is_written(node) {
  const { parent } = node
  if (parent?.type !== 'AssignmentExpression' || parent.left !== node) return false
  return parent.operator === '=' || /^(Expression|Sequence)/.test(parent.parent?.type ?? '')
}

/**
 * Returns the name of the member that an expression reads or writes, with `#` and its class if it is private.
 * @param {Node} node
 */
function member_name(node) {
  if (node.type !== 'MemberExpression' || node.computed) return undefined
  return full_name(node.property)
}

/** @param {Node} node */
const key_name = ({ key, computed }) => (computed ? undefined : full_name(key))

/** @param {Node} name */
function full_name(name) {
  if (name.type === 'Identifier') return name.name
  if (name.type !== 'PrivateIdentifier') return undefined
  let body = name.parent
  const declares = (/** @type {Node} */ { key }) =>
    key?.type === 'PrivateIdentifier' && key.name === name.name
  while (body !== undefined && !(body.type === 'ClassBody' && body.body.some(declares))) body = body.parent
  return `#${name.name} ${body?.start}`
}
