# Net::Statsd: one datagram per metric.
use strict;
use warnings;
use JSON::PP ();
use Net::Statsd ();
use Time::HiRes qw(sleep time);

($Net::Statsd::HOST, $Net::Statsd::PORT) = ('127.0.0.1', shift);
my $deadline = time + shift;
my %totals = ('perl.load' => 0, 'perl.many.a' => 0, 'perl.many.b' => 0);
srand 1;

Net::Statsd::inc('perl.one');
Net::Statsd::dec('perl.count');
Net::Statsd::update_stats(['perl.list.a', 'perl.list.b'], 5);
Net::Statsd::update_stats('perl.sampled', 2, 0.5);
Net::Statsd::gauge('perl.gauge' => 1.5, 'perl.gauge' => -2.5);
Net::Statsd::timing('perl.timing', 12);
Net::Statsd::timing('perl.timing.sampled', 12, 0.3);

for (my $round = 1; time < $deadline; $round++) {
    for my $i (1 .. 5) {
        Net::Statsd::update_stats('perl.load', $i + $round % 3);
        $totals{'perl.load'} += $i + $round % 3;
        Net::Statsd::timing('perl.load.ms', $i);
    }
    Net::Statsd::update_stats(['perl.many.a', 'perl.many.b'], $round);
    $totals{"perl.many.$_"} += $round for qw(a b);
    Net::Statsd::gauge('perl.load.g' => $round);
    sleep 0.01;
}
print JSON::PP::encode_json(\%totals), "\n";
