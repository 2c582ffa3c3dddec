// Makes a server that offers no choice of address listen on the loopback interface only, and say where.
'use strict';

const net = require('node:net');

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
    this.once('listening', () => console.log(`listening on http://127.0.0.1:${this.address().port}/mcp`));
    return listen.call(this, { port: Number(port), host: '127.0.0.1' }, rest.find((each) => typeof each === 'function'));
};
