// Reads JavaScript for the steps of the production build: its tree, and what each name in it refers to.
import { parseSync } from 'vite'

/**
 * A node of the tree, as ESTree defines it.
 * @typedef {{ type: string, start: number, end: number, parent?: Node, [property: string]: any }} Node
 */

/**
 * A name that a scope declares. `references` are the identifiers that read or write it.
 * @typedef {{ name: string, declaration: Node, identifier: Node, references: Node[] }} Binding
 */

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

/** @param {Node | undefined} node */
export const is_function = node => node !== undefined && FUNCTIONS.has(node.type)

/**
 * Returns the children of a node, in the order of the source.
 * @param {Node} node
 * @returns {Node[]}
 */
function children_of(node) {
  return Object.entries(node)
    .filter(([key]) => key !== 'parent')
    .flatMap(([, value]) => value)
    .filter(value => typeof value?.type === 'string' && typeof value.start === 'number')
}

/**
 * Returns a node and all nodes in it; each knows its parent.
 * @param {Node} node
 * @returns {Node[]}
 */
export function nodes_in(node) {
  const nodes = [node]
  // The list grows while it is read.
  for (const parent of nodes)
    for (const child of children_of(parent)) {
      child.parent = parent
      nodes.push(child)
    }
  return nodes
}

/**
 * Parses a module.
 * @param {string} code
 */
export function parse(code) {
  const { program, errors, comments } = parseSync('module.js', code, { preserveParens: false })
  if (errors.length > 0)
    throw new Error(`the production build made code that is invalid: ${errors[0]?.message}`)
  const nodes = nodes_in(/** @type {any} */ (program))
  const bindings = bindings_of(nodes)
  /** @type {Map<number, Binding>} */
  const binding_of = new Map()
  for (const binding of bindings)
    for (const { start } of [binding.identifier, ...binding.references]) binding_of.set(start, binding)
  /** Returns what an identifier refers to. */
  const bound = (/** @type {Node} */ { type, start }) =>
    type === 'Identifier' ? binding_of.get(start) : undefined
  return { nodes, comments, bindings, bound }
}

/**
 * Returns whether an identifier is a name of a property, not of a variable.
 * @param {Node} node
 */
function is_property_name(node) {
  const { parent } = node
  if (parent === undefined) return false
  if (parent.type === 'MemberExpression') return !parent.computed && parent.property === node
  if (/^(Property|MethodDefinition|PropertyDefinition)$/.test(parent.type))
    return !parent.computed && parent.key === node
  return /^(Import|Export).*Specifier$/.test(parent.type) && parent.local !== node
}

/**
 * Returns the identifiers that a pattern declares.
 * @param {Node | null} pattern
 * @returns {Node[]}
 */
function declared_by(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern]
    case 'ObjectPattern':
      return pattern.properties.flatMap((/** @type {Node} */ property) =>
        declared_by(property.value ?? property.argument),
      )
    case 'ArrayPattern':
      return pattern.elements.flatMap(declared_by)
    case 'AssignmentPattern':
      return declared_by(pattern.left)
    case 'RestElement':
      return declared_by(pattern.argument)
    default:
      return []
  }
}

/**
 * Returns the node whose scope a declaration is in.
 * @param {Node} node
 * @returns {Node}
 */
function scope_of(node) {
  let scope = node.parent
  while (
    scope?.parent !== undefined &&
    !/^(BlockStatement|For.*Statement|SwitchStatement|CatchClause)$/.test(scope.type)
  )
    if (is_function(scope)) break
    else scope = scope.parent
  return /** @type {Node} */ (scope)
}

/**
 * @param {Node[]} nodes
 * @returns {Binding[]}
 */
function bindings_of(nodes) {
  /** @type {Map<Node, Map<string, Binding>>} */
  const scopes = new Map()
  const declare = (
    /** @type {Node} */ scope,
    /** @type {Node} */ declaration,
    /** @type {Node[]} */ identifiers,
  ) => {
    const names = scopes.get(scope) ?? new Map()
    scopes.set(scope, names)
    for (const identifier of identifiers)
      names.set(identifier.name, { name: identifier.name, declaration, identifier, references: [] })
  }
  for (const node of nodes) {
    if (is_function(node)) for (const param of node.params) declare(node, node, declared_by(param))
    if (node.type === 'CatchClause') declare(node, node, declared_by(node.param))
    if (node.type === 'VariableDeclarator') declare(scope_of(node), node, declared_by(node.id))
    if (/^(Function|Class)Declaration$/.test(node.type)) declare(scope_of(node), node, [node.id])
    if (/^Import.*Specifier$/.test(node.type)) declare(scope_of(node), node, [node.local])
  }
  const bindings = [...scopes.values()].flatMap(names => [...names.values()])
  const declared = new Set(bindings.map(({ identifier }) => identifier.start))
  for (const node of nodes) {
    if (node.type !== 'Identifier' || declared.has(node.start) || is_property_name(node)) continue
    /** @type {Node | undefined} */
    let scope = node
    while (scope !== undefined && !scopes.get(scope)?.has(node.name)) scope = scope.parent
    if (scope !== undefined) scopes.get(scope)?.get(node.name)?.references.push(node)
  }
  return bindings
}

/**
 * Returns whether an identifier is only assigned to.
 * @param {Node} node
 */
export const is_assigned = node =>
  node.parent?.type === 'AssignmentExpression' && node.parent.left === node && node.parent.operator === '='

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
  if (
    parent?.type === 'MethodDefinition' &&
    parent.key.type === 'PrivateIdentifier' &&
    parent.kind === 'method'
  ) {
    const members = nodes.filter(
      ({ type, property }) =>
        type === 'MemberExpression' &&
        property.type === 'PrivateIdentifier' &&
        property.name === parent.key.name,
    )
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
