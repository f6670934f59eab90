/**
 * Ensures that each subject is reported once, and at most a fixed number of subjects, since a hostile peer
 * can make up any number of them.
 */
export class ReportOnce {
  readonly #max_subjects: number
  readonly #reported = new Set<string>()

  constructor(max_subjects: number) {
    this.#max_subjects = max_subjects
  }

  /** Whether no further subjects are reported. */
  get is_full(): boolean {
    return this.#reported.size >= this.#max_subjects
  }

  /** Returns whether to report `subject` now, and remembers it if so. */
  should_report(subject: string): boolean {
    if (this.#reported.has(subject) || this.is_full) return false
    this.#reported.add(subject)
    return true
  }

  /** Forgets all subjects, so that they are reported again. */
  reset(): void {
    this.#reported.clear()
  }
}
