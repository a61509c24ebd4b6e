#!/usr/bin/env python3
"""Sum pytest's JUnit reports: one line a suite, the failures' names, and "N passed, N failed" last.

usage: sum_tests.py FOLDER SUITE...  A suite without a readable report, or without a test, counts as one failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report):
    """passed, skipped and the names of those that failed, of one report."""
    passed, skipped, failed = 0, [], []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped.append(f"{name}: {case.find('skipped').get('message')}")
        else:
            passed += 1
    return passed, skipped, failed


def main():
    folder, suites = Path(sys.argv[1]), sys.argv[2:]
    all_passed, all_failed = 0, []
    for suite in suites:
        try:
            passed, skipped, failed = count(folder / f"{suite}.xml")
        except (OSError, ElementTree.ParseError) as error:
            passed, skipped, failed = 0, [], [f"{suite}: no report ({error})"]
        if not passed and not failed:
            failed = [f"{suite}: not one test ran"]
        print(f"{suite:12} {passed} passed, {len(failed)} failed, {len(skipped)} skipped")
        for line in skipped:
            print(f"  skipped {line}")
        all_passed, all_failed = all_passed + passed, all_failed + failed
    for name in all_failed:
        print(f"FAILED {name}")
    print(f"{all_passed} passed, {len(all_failed)} failed")
    sys.exit(1 if all_failed else 0)


if __name__ == "__main__":
    main()
