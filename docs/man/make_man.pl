#!/usr/bin/perl
# make_man.pl BIN OUT   pages for man(1), made from what the programs themselves say, so that the two cannot differ:
# pacs.1 viewer-cli.1 pacs.conf.5 storescp.8 router.8
use strict;
use warnings;

my ($bin, $out) = @ARGV;
die "usage: make_man.pl BIN OUT\n" unless defined $out;
my $section;

sub said { my $text = `$_[0] 2>&1`; die "$_[0]: nothing was said\n" unless length $text; return $text; }

# Roff reads a backslash, and a dot or quote at the beginning of a line, as its own.
sub roff {
	my ($text) = @_;
	$text =~ s/\\/\\e/g;
	$text =~ s/-/\\-/g;
	$text =~ s/^([.'])/\\&$1/mg;
	return $text;
}

sub page {
	my ($name, $in, $summary, @parts) = @_;
	open my $f, '>', "$out/$name.$in" or die "$out/$name.$in: $!\n";
	printf $f ".TH %s %s \"2026-11-25\" \"pacs\" \"DICOM archive and routing node\"\n", uc $name =~ s/-/\\-/gr, $in;
	printf $f ".SH NAME\n%s \\- %s\n", roff($name), roff($summary);
	while (my ($head, $text) = splice @parts, 0, 2) {
		print $f ".SH $head\n$text";
	}
	close $f or die "$out/$name.$in: $!\n";
}

# Text that stands as it is, columns and all; blank lines are paragraphs.
sub plain {
	my ($text) = @_;
	$text =~ s/\n+\z//;
	$text =~ s/\A\n+//;
	my $body = roff($text);
	$body =~ s/\n\n+/\n.PP\n/g;
	return ".nf\n$body\n.fi\n";
}

my $files = ".TP\n.I DIR/pacs.conf\nthe configuration; see\n.BR pacs.conf (5)\n" .
            ".TP\n.I DIR/store, DIR/index.db\nthe images and their index\n.TP\n.I DIR/work.db\njobs and reading work\n" .
            ".TP\n.I DIR/quarantine\nwhat could not be indexed, with a reason\n.TP\n.I DIR/run\nsockets and locks\n";

# ---- pacs(1): the list, then each command in full ----
sub pacs_page {
	my $list = said("$bin/pacs help");
	my @names = $list =~ /^  ([a-z]+)\s/mg;
	my ($about, $rest) = $list =~ /\A(.*?)\n\n.*?\n\n(.*)\z/s;
	my $commands = '';
	for my $name (@names) {
		my ($synopsis, $summary, $help) = split /\n/, said("$bin/pacs help $name"), 3;
		$summary =~ s/^\s+//;
		$commands .= '.SS "' . roff($name) . "\"\n.B " . roff($synopsis) . "\n.PP\n" . roff($summary) . "\n";
		$commands .= ".PP\n" . plain($help) if defined $help && $help =~ /\S/;
	}
	page('pacs', 1, 'runs and administers a node of the archive', 'SYNOPSIS', ".B pacs\n[\\-C DIR] [\\-\\-json] COMMAND [...]\n",
	     'DESCRIPTION', roff($about) . "\n.PP\n" . plain($rest), 'COMMANDS', $commands, 'FILES', $files,
	     'SEE ALSO', ".BR pacs.conf (5),\n.BR viewer\\-cli (1),\n.BR storescp (8),\n.BR router (8)\n");
}

sub viewer_page {
	my $list = said("$bin/viewer-cli help");
	my ($usage, $about) = $list =~ /\Ausage: ([^\n]*)\n(.*?)\n\n/s;
	my ($options) = $list =~ /\n\n(  --node.*?)\n\n/s;
	my ($exit) = $list =~ /^exit code: (.*)$/m;
	my $commands = '';
	for my $name ($list =~ /^  ([a-z]+)\s/mg) {
		$commands .= '.SS "' . roff($name) . "\"\n" . plain(said("$bin/viewer-cli help $name"));
	}
	page('viewer-cli', 1, "a reader's terminal for reading lists and images", 'SYNOPSIS', '.B ' . roff($usage) . "\n",
	     'DESCRIPTION', roff($about) . "\n", 'OPTIONS', plain($options), 'COMMANDS', $commands, 'EXIT STATUS', roff($exit) . "\n",
	     'SEE ALSO', ".BR pacs (1)\n");
}

# The sample file is comments and options: each option with the comment above it.
sub conf_page {
	page('pacs.conf', 5, 'configuration of a node', 'DESCRIPTION',
	     "One text file in the data folder. A line is\n.IR \"name = value\" ;\n# begins a comment. What is left out has the value shown here.\n.B pacs \\-C DIR check\nsays what is wrong with it, by line.\n",
	     'OPTIONS', plain(said("$bin/pacs help conf")), 'SEE ALSO', ".BR pacs (1)\n");
}

sub daemon_page {
	my ($name, $summary) = @_;
	my ($usage, $about) = said("$bin/$name") =~ /\Ausage: ([^\n]*)\n(.*)\z/s;
	page($name, 8, $summary, 'SYNOPSIS', '.B ' . roff($usage) . "\n", 'DESCRIPTION', roff($about),
	     'SIGNALS', ".TP\nSIGTERM\nfinish what is under way and end\n.TP\nSIGHUP\nread pacs.conf again\n",
	     'EXIT STATUS', "0 after SIGTERM; 1 the world is broken, starting again may help; 2 usage; 78 configuration or version, starting again would not help.\n",
	     'FILES', $files, 'SEE ALSO', ".BR pacs (1),\n.BR pacs.conf (5)\n");
}

pacs_page();
viewer_page();
conf_page();
daemon_page('storescp', 'takes DICOM in: storage, queries, retrieval, work items');
daemon_page('router', 'sends, compresses, and makes reading work');
