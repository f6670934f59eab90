export {
  type Link,
  MemoryNetwork,
  type MemoryNetworkOptions,
  memory_network,
} from './memory_network.js'
