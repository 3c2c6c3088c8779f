// Loaded before anything else: these programs must not reach the network from within a test.
import net from 'node:net';
import tls from 'node:tls';

const refuse = () => {
  throw new Error('No network in this test.');
};
globalThis.fetch = async () => refuse();
net.Socket.prototype.connect = refuse;
net.connect = refuse;
tls.connect = refuse;
