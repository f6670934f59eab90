#!/usr/bin/env node
import { run_command_line } from './command_line.js'

const exit_code = await run_command_line(process.argv.slice(2))
// It is 1 already if output could not be written.
process.exitCode ||= exit_code
