# ruby-statsd: plain and batched.
require 'json'
require 'statsd'

client = Statsd.new('127.0.0.1', Integer(ARGV[0]))
client.namespace = 'ruby'
deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + Float(ARGV[1])
srand(1)
totals = { 'ruby.load' => 0, 'ruby.batched' => 0 }

client.increment('one')
client.decrement('count')
client.count('count', 7)
client.count('sampled', 2, 0.5)
client.gauge('gauge', -1.5)
client.gauge('gauge.delta', '+3')
client.set('set', 'member')
client.timing('timing', 12)
client.timing('timing.sampled', 12, 0.3)
client.time('timer') { nil }
client.increment('Module::name')

round = 0
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
  round += 1
  client.count('load', round % 13)
  totals['ruby.load'] += round % 13
  client.batch do |batch|
    (1..25).each do |i|
      batch.count('batched', i)
      totals['ruby.batched'] += i
      batch.timing('load.ms', i)
    end
    batch.gauge('load.g', round)
  end
  sleep 0.01
end
puts JSON.generate(totals)
