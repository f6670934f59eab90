#!/usr/bin/env node
import { run_command_line } from './command_line.js'

const exit_code = await run_command_line(process.argv.slice(2))
// Output that could not be written has made it 1 already.
process.exitCode ||= exit_code
