// What a refused request says, as one sentence (the API answers with RFC 9457 problem documents).

const FALLBACK = document.body.dataset.refused ?? "";

/**
 * @param {string} body
 * @returns {string}
 */
export function problemSentence(body) {
  try {
    const problem = JSON.parse(body);
    return String(problem.detail || problem.title || FALLBACK);
  } catch {
    return FALLBACK;
  }
}

/**
 * Why a request did not do what it was for; empty when it did.
 * @param {Response | null} answer  null: none came
 * @returns {Promise<string>}
 */
export async function whyRefused(answer) {
  if (answer?.ok) return "";
  return answer ? problemSentence(await answer.text()) : (document.body.dataset.unreachable ?? "");
}
