#!/usr/bin/perl
# make_han - print what ICU knows of Han characters as C tables.
#
#   make_han.pl > han_table.c
#
# Asks ICU's converter (uconv) for three transliterations of each character on its own: its reading (Han-Latin),
# its reading as a surname where that is another one (Han-Latin/Names, which knows the place), and the simplified
# character of a traditional one. Opening these at run time would cost 200 ms and 7 MB in every process, and a
# lock; as tables they are constant.
#
# And how common each is, by the tables of perl's Encode: 1 and 2 for the two levels of GB 2312, which are ordered so, 3 for
# the first level of Big5, 0 for the others.
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use File::Temp qw(tempfile);
use Unicode::Normalize qw(NFD NFC);

# 〇, extension A, the main block, and the planes behind the first one.
my @chars = (0x3007, 0x3400 .. 0x4DBF, 0x4E00 .. 0x9FFF, 0x20000 .. 0x2EBE0, 0x30000 .. 0x3134A);

# One line for each of these characters, through one transliteration.
sub transliterated {
	my ($id, $behind, @chars) = @_;
	my ($out, $name) = tempfile('han.XXXXXX', TMPDIR => 1, UNLINK => 1);
	binmode $out, ':utf8';
	print $out chr($_), $behind, "\n" for @chars;
	close $out or die "$name: $!\n";
	open my $in, '-|:utf8', 'uconv', '-f', 'UTF-8', '-t', 'UTF-8', '-x', $id, $name or die "uconv: $!\n";
	chomp(my @lines = <$in>);
	close $in or die "uconv -x $id failed\n";
	@lines == @chars or die "uconv -x $id gave " . @lines . " lines for " . @chars . "\n";
	return map { $chars[$_] => $lines[$_] } 0 .. $#chars;
}

# Without tone; u with diaeresis as v, which is how it is typed. undef: no reading.
sub plain {
	my $s = NFD(shift);
	$s =~ s/u\x{308}/v/g;
	$s =~ s/[\x{300}-\x{36F}]//g;
	return $s =~ /^[a-z]{1,6}$/ ? $s : undef;
}

my %reading = transliterated('Han-Latin', '', @chars);
my %surname = transliterated('Han-Latin/Names', '一', 0x4E00 .. 0x9FFF);
my %simple = transliterated('Traditional-Simplified', '', @chars);

my (%number, @syllables);
sub number_of { return $number{ $_[0] } }

$reading{$_} = plain($reading{$_}) for @chars;
$surname{$_} = plain($surname{$_} =~ s/\s*yī$//r) for keys %surname;
$number{$_}++ for grep { defined } values %reading, values %surname;
@syllables = sort keys %number;
@number{@syllables} = 1 .. @syllables;

my (@rows, @far, @names, @folds);
for my $c (@chars) {
	my ($r, $s) = ($reading{$c}, $surname{$c});
	if (defined $r) {
		if ($c >= 0x3400 && $c <= 0x9FFF) { $rows[$c - 0x3400] = number_of($r) } else { push @far, [$c, number_of($r)] }
		push @names, [$c, number_of($s)] if defined $s && $s ne $r;
	}
	my $to = $simple{$c};
	push @folds, [$c, ord $to] if length $to == 1 && ord $to != $c;
}
# A chain of simplifications ends where nothing changes any more, and a ring of them in its first character, so that
# folding twice is folding once.
my %fold = map { @$_ } @folds;
for my $f (@folds) {
	my ($c, %seen) = ($f->[1]);
	$c = $fold{$c} while exists $fold{$c} && !$seen{$c}++;
	if ($seen{$c}) { ($c) = sort { $a <=> $b } grep { $seen{$_} } keys %seen }
	$f->[1] = $c;
}
@folds = grep { $_->[0] != $_->[1] } @folds;
die "only " . grep({ defined } @rows) . " readings, " . @names . " surnames, " . @folds . " traditional characters\n"
	if grep({ defined } @rows) < 20000 || @names < 20 || @folds < 2000;

print "/* Made by make_han.pl from ICU's transliterators. */\n#include \"pacs/dicom/han_table.h\"\n\n";
print "const char han_syllables[][HAN_SYLLABLE] = {\n\t\"\",\n", map({ "\t\"$_\",\n" } @syllables), "};\n";
print "const size_t han_syllable_count = sizeof(han_syllables) / sizeof(han_syllables[0]);\n\n";
print "const uint16_t han_readings[HAN_LAST - HAN_FIRST + 1] = {\n";
for (my $i = 0; $i < 0x9FFF - 0x3400 + 1; $i += 16) {
	print "\t", join(', ', map { $rows[$_] // 0 } $i .. $i + 15), ",\n";
}
print "};\n\n";
sub commonness {
	my $c = chr shift;
	my $gb = encode('euc-cn', $c, sub { '' });
	return ord $gb < 0xD8 ? 1 : 2 if length $gb == 2;
	my $big5 = encode('big5-eten', $c, sub { '' });
	return length $big5 == 2 && unpack('n', $big5) <= 0xC67E ? 3 : 0;
}
print "const uint8_t han_commonness[0x9FFF - 0x4E00 + 1] = {\n";
for (my $c = 0x4E00; $c <= 0x9FFF; $c += 32) {
	print "\t", join(', ', map { commonness($_) } $c .. $c + 31), ",\n";
}
print "};\n\n";
sub pairs {
	my ($name, $rows) = @_;
	print "const struct han_pair $name\[] = {\n", map({ sprintf "\t{ 0x%X, 0x%X },\n", @$_ } @$rows), "};\n";
	print "const size_t ${name}_count = sizeof($name) / sizeof($name\[0]);\n\n";
}
pairs('han_far', \@far);
pairs('han_surnames', \@names);
pairs('han_simple', \@folds);
