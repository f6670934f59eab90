import { ClientSide } from './client_side.ts'
import { try_frames } from './try_frames.ts'

try_frames('client', new ClientSide())
