export {
  type BrokerOptions,
  broker_name,
  broker_rules,
  client_options_rule,
} from '../../broker/broker_options.js'
export type { ClusterLink, ClusterPort, ClusterSink } from '../../broker/cluster_port.js'
export { explain_broker_error } from './broker_error.js'
export { connect_in_time, no_answer } from './connect_in_time.js'
export { forward_messages } from './forward_messages.js'
