import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ROOT } from './repository.ts'

/** A step of a job: an action, or shell commands. */
export interface WorkflowStep {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

/** A job: steps, or a call of another workflow. */
export interface WorkflowJob {
  readonly uses?: string
  readonly needs?: string
  readonly environment?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: { readonly node?: readonly number[] } }
  readonly steps?: readonly WorkflowStep[]
}

/** A workflow of this repository. */
export interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly concurrency?: { readonly group: string }
  readonly jobs: Readonly<Record<string, WorkflowJob>>
}

/** The folder of the workflows. */
export const WORKFLOWS: string = join(ROOT, '.github/workflows')

/** Reads a workflow of this repository. */
export function read_workflow(name: string): Workflow {
  return parse(readFileSync(join(WORKFLOWS, name), 'utf8'))
}
