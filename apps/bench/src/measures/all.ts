import type { MeasureName } from '../results.js'
import { client } from './client.js'
import { cluster } from './cluster.js'
import { connect } from './connect.js'
import { compression, echo, sizes, tls } from './echo.js'
import { fan_out } from './fan_out.js'
import { floods } from './floods.js'
import type { Measure } from './measure.js'
import { memory } from './memory.js'
import { latency, many } from './rates.js'

/** All measures by name. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  ...{ echo, sizes, tls, fan_out, connect, memory },
  ...{ latency, many, floods, client, compression, cluster },
}
