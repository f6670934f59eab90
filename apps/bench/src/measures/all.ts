import { client } from './client.js'
import { cluster } from './cluster.js'
import { compression } from './compression.js'
import { connect } from './connect.js'
import { echo } from './echo.js'
import { fan_out } from './fan_out.js'
import { latency } from './latency.js'
import type { Measure, MeasureName } from './measure.js'
import { memory } from './memory.js'
import { sizes } from './sizes.js'

/** Every measure, by its name. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  echo,
  sizes,
  fan_out,
  connect,
  memory,
  latency,
  client,
  compression,
  cluster,
}
