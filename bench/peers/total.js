// A backend of statsd: writes the sum of all counters so far to the file that the
// settings name, for heeler-bench to read.
'use strict';
const fs = require('fs');

let total = 0;

exports.init = function (startupTime, config, events) {
  events.on('flush', function (timestamp, metrics) {
    for (const name of Object.keys(metrics.counters))
      if (!name.startsWith('statsd.')) total += metrics.counters[name];
    fs.writeFileSync(config.totalFile, String(total));
  });
  return true;
};
