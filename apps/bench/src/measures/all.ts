import { client } from './client.js'
import { cluster } from './cluster.js'
import { compression } from './compression.js'
import { connect } from './connect.js'
import { echo } from './echo.js'
import { fan_out } from './fan_out.js'
import { floods } from './floods.js'
import { latency } from './latency.js'
import { many } from './many.js'
import type { Measure, MeasureName } from './measure.js'
import { memory } from './memory.js'
import { sizes } from './sizes.js'
import { tls } from './tls.js'

/** Every measure, by its name. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  echo,
  sizes,
  tls,
  fan_out,
  connect,
  memory,
  latency,
  many,
  floods,
  client,
  compression,
  cluster,
}
