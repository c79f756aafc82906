import unittest

from tally.counting import tally


class Counting(unittest.TestCase):
    def test_the_most_frequent_line_comes_first(self):
        self.assertEqual(tally(["auk", "owl", "owl"]), [("owl", 2), ("auk", 1)])

    def test_equals_come_in_alphabetical_order(self):
        self.assertEqual(tally(["skua", "auk"]), [("auk", 1), ("skua", 1)])

    def test_empty_lines_do_not_count(self):
        self.assertEqual(tally(["\n", "  ", "owl\n"]), [("owl", 1)])

    def test_no_more_than_asked_for(self):
        self.assertEqual(tally(["a", "b", "b"], top=1), [("b", 2)])


if __name__ == "__main__":
    unittest.main()
