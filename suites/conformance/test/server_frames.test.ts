import { ServerSide } from './server_side.ts'
import { try_frames } from './try_frames.ts'

try_frames('server', new ServerSide())
