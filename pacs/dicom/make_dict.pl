#!/usr/bin/perl
# Turns the data dictionary that DCMTK's package installs into a C table sorted by tag.
# Lines are: (gggg,eeee) TAB VR TAB keyword TAB VM TAB version. Private tags (those with a creator) and ranges
# other than the repeating groups 50xx and 60xx are left out; the lower-case pseudo VRs are mapped as tag.h says.
use strict;
use warnings;

my %pseudo = (xs => 'US', ox => 'OW', px => 'OW', lt => 'OW', up => 'UL', na => '');
my %entry;
while (<>) {
	next if /^\s*(#|$)/;
	my ($tag, $vr, $keyword) = split /\t+/;
	next unless defined $keyword && $tag !~ /"/;
	my ($group, $element) = $tag =~ /^\(([0-9a-fA-F]{4})(?:-(?:[ou]-)?[0-9a-fA-F]{4})?,([0-9a-fA-F]{4})\)$/ or next;
	next if $tag =~ /-/ && $group !~ /^(50|60)00$/;
	$vr = $pseudo{$vr} if exists $pseudo{$vr};
	next if $vr !~ /^[A-Z]{2}$/ || $vr eq 'UN';
	my $key = hex("$group$element");
	$entry{$key} = [$vr, $keyword] unless exists $entry{$key};
}
print "#include \"pacs/dicom/dict_table.h\"\n\nconst struct dict_entry dict_table[] = {\n";
for my $key (sort { $a <=> $b } keys %entry) {
	my ($vr, $keyword) = @{ $entry{$key} };
	printf "\t{ 0x%08X, VR_%s, \"%s\" },\n", $key, $vr, $keyword;
}
print "};\nconst size_t dict_table_count = sizeof(dict_table) / sizeof(dict_table[0]);\n";
