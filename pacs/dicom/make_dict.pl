#!/usr/bin/perl
# make_dict - print the data dictionary as C tables.
#
#   make_dict.pl dicom.dic > dict_table.c
#
# Reads the dictionary text that DCMTK's package installs: (gggg,eeee) VR keyword VM version, tab
# separated. Of a range of groups or elements the lowest stands in the table; tag.c maps the
# repeating groups to it. Rows of the generic and private kinds name no attribute and are left out.
use strict;
use warnings;

# The dictionary's own VRs, for attributes whose VR depends on others (PS3.6, PS3.5 annex A.1:
# what implicit VR little endian means). na are item tags, which are no attributes.
my %vr_of = (xs => 'US', ox => 'OW', px => 'OW', lt => 'OW', up => 'UL', na => undef, UN => undef);

my (%entry, %by_keyword);
while (my $line = <>) {
	next if $line =~ /^\s*(#|$)/;
	chomp $line;
	my ($tag, $vr, $keyword, $vm, $version) = split /\t/, $line;
	next if $version =~ /^(GENERIC|PRIVATE|ILLEGAL)/;
	$vr = $vr_of{$vr} if exists $vr_of{$vr};
	next unless defined $vr;
	$tag =~ /^\(([0-9A-Fa-f]{4})(?:-[^,]*)?,([0-9A-Fa-f]{4})(?:-[^)]*)?\)$/ or die "$ARGV:$.: tag $tag\n";
	my $number = hex($1) << 16 | hex($2);
	$vr =~ /^[A-Z]{2}$/ or die "$ARGV:$.: VR $vr\n";
	$keyword =~ s/^RETIRED_//;
	$keyword =~ /^[A-Za-z]\w*$/ or die "$ARGV:$.: keyword $keyword\n";
	# 1, 2-4, 1-n, 2-2n: least and most, 0 without end
	$vm =~ /^(\d+)(?:-(\d*)(n?))?$/ or die "$ARGV:$.: multiplicity $vm\n";
	my ($least, $most, $open) = ($1, $2, $3);
	$most = $open ? 0 : defined $most && $most ne '' ? $most : $least;
	$entry{$number} = [$vr, $keyword, $least > 255 ? 255 : $least, $most > 255 ? 0 : $most];
}

my @tags = sort { $a <=> $b } keys %entry;
die "only " . @tags . " attributes found\n" if @tags < 4000;

print "/* Made by make_dict.pl; sorted by tag. */\n#include \"pacs/dicom/dict_table.h\"\n\n";
print "const struct dict_entry dict_table[] = {\n";
for my $i (0 .. $#tags) {
	my ($vr, $keyword, $least, $most) = @{ $entry{$tags[$i]} };
	printf "\t{ 0x%08X, VR('%s', '%s'), %d, %d, \"%s\" },\n", $tags[$i], split(//, $vr), $least, $most, $keyword;
	$by_keyword{$keyword} = $i unless exists $by_keyword{$keyword};
}
print "};\nconst size_t dict_table_count = sizeof(dict_table) / sizeof(dict_table[0]);\n\n";

print "const uint16_t dict_by_keyword[] = {\n";
print "\t$by_keyword{$_},\n" for sort keys %by_keyword;
print "};\nconst size_t dict_by_keyword_count = sizeof(dict_by_keyword) / sizeof(dict_by_keyword[0]);\n";
